"""What the name of a file, an entry or an object may be, and how one that is no text is shown."""

from __future__ import annotations

from omni_pipelines.refusals import RefusalCode, Unreadable

VENDORED = {"node_modules", "__pycache__", "venv", "site-packages", "dist", "build", "target", "vendor"}
"""Folders that hold other people's work or derived files. Name one as a source to read it anyway."""
MAX_DEPTH = 64


def shown_name(name: str) -> str:
    """A name as documents have it: bytes that are no UTF-8, and then the percent sign, as `%FF`; else unchanged.

    `file_of` in `knowledge.citations` finds the file again.
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
    """Whether a part of a name begins with a dot, or is one that archives hide."""
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/")) or "__MACOSX/" in name


def is_vendored(name: str) -> bool:
    """Whether a file stands in a folder of other people's work."""
    return not VENDORED.isdisjoint(name.split("/")[:-1])


def refuse_name(name: str, where: str) -> None:
    """Refuse a name that leads out of where it stands, or too deep into it.

    Raises:
        Unreadable: E_PATH or E_DEPTH.
    """
    parts = name.replace("\\", "/").split("/")
    if name.startswith("/") or ".." in parts:
        raise Unreadable(RefusalCode.PATH, f"its name begins at the top of the {where}, or leads out of it")
    if len(parts) > MAX_DEPTH:
        raise Unreadable(RefusalCode.DEPTH, f"below more than {MAX_DEPTH} folders")
