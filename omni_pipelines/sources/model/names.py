"""Rules for the names of files, archive entries and objects, and how names that are not UTF-8 are shown."""

from omni_pipelines.refusals import RefusalCode, Unreadable

VENDORED = {"node_modules", "__pycache__", "venv", "site-packages", "dist", "build", "target", "vendor"}
"""Folders with third-party or generated files. They are read only if they are a source of their own."""
_OF_WINDOWS = {"Thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini"}
_LOCK = "~$"
"""Before the name of a file that somebody has open in Office; the rest of the file is their name."""
RULED_BEGINNINGS = frozenset({".", "~", *(name[0] for name in _OF_WINDOWS)})
"""The first characters of the files that `rule_for_name` may leave out: most names have none of them."""
HIDDEN, VENDORED_FOLDER = "hidden", "vendored folder"
MAX_DEPTH = 64


def shown_name(name: str) -> str:
    """A name as documents have it: `%FF` for bytes that are not UTF-8, and then `%25` for a percent sign.

    `file_of` in `knowledge.search.citations` reverses it.
    """
    if name.isascii() or is_text(name):
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


def built_in_rule(path: str, *, is_vendored_read: bool = False) -> tuple[str, str, str] | None:
    """The rule that leaves out a path in any source: the first folder or the file that it is about, kind and reason.

    None if there is none. A folder has a slash at its end.
    """
    parts = path.split("/")
    for count, name in enumerate(parts, 1):
        is_folder = count < len(parts)
        rule = rule_for_name(name, is_folder=is_folder)
        if rule is not None and not (is_vendored_read and rule[0] == VENDORED_FOLDER):
            return ("/".join(parts[:count]) + "/" * is_folder, *rule)
    return None


def rule_for_name(name: str, *, is_folder: bool) -> tuple[str, str] | None:
    """The kind and the reason of the rule that leaves out a file or folder by its name; None if there is none."""
    if name.startswith(".") and name not in (".", ".."):
        return HIDDEN, "built-in rule: its name begins with a dot"
    if not is_folder and (name in _OF_WINDOWS or name.startswith(_LOCK)):
        return HIDDEN, "built-in rule: a program keeps notes of its own in it"
    if is_folder and name == "__MACOSX":
        return HIDDEN, "built-in rule: macOS hides metadata in it"
    if is_folder and name in VENDORED:
        return VENDORED_FOLDER, f"built-in rule: {name} holds third-party or generated files"
    return None


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
