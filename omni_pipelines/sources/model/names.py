"""Rules for the names of files, archive entries and objects, and how names that are not UTF-8 are shown."""

from omni_pipelines.refusals import RefusalCode, Unreadable

VENDORED = {"node_modules", "__pycache__", "venv", "site-packages", "dist", "build", "target", "vendor"}
"""Folders with third-party or generated files. They are read only if they are a source of their own."""
MAX_DEPTH = 64


def shown_name(name: str) -> str:
    """A name as documents have it: `%FF` for bytes that are not UTF-8, and then `%25` for a percent sign.

    `file_of` in `knowledge.search.citations` reverses it.
    """
    if is_text(name):
        return name
    return "".join(letter if is_text(letter) and letter != "%" else _escaped(letter) for letter in name)


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _escaped(letter: str) -> str:
    is_byte = "\udc80" <= letter <= "\udcff"
    return "".join(
        f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    )


def is_hidden(name: str) -> bool:
    """Whether a part of a path starts with a dot, or is the folder in which macOS hides metadata in archives."""
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/")) or "__MACOSX/" in name


def is_vendored(name: str) -> bool:
    """Whether a file is in a folder of third-party or generated files."""
    return not VENDORED.isdisjoint(name.split("/")[:-1])


def refuse_name(name: str, container: str, depth: int = MAX_DEPTH) -> None:
    """Refuse a name that leads out of its container, or below more folders than `depth`.

    Raises:
        Unreadable: E_PATH or E_DEPTH.
    """
    parts = name.replace("\\", "/").split("/")
    if name.startswith("/") or ".." in parts:
        raise Unreadable(RefusalCode.PATH, f"the name is absolute or leads out of the {container}")
    if len(parts) > depth:
        raise Unreadable(RefusalCode.DEPTH, f"below more than {depth} folders")
