"""What a change of a file does to its text, as a person sees it before they approve it."""

from difflib import unified_diff

from omni_pipelines.errors import ConfigurationError

MAX_DIFFERENCE_LINES = 400


def changed_text(path: str, text: str, old: str, new: str) -> str:
    """A text with one passage replaced.

    Raises:
        ConfigurationError: the passage is not there, or more than once, or nothing would change.
    """
    count = text.count(old)
    if count != 1:
        problem = "does not occur" if count == 0 else f"occurs {count} times"
        cure = "copy it from files.read, with more of the lines around it; masked secrets (***) cannot be edited"
        raise ConfigurationError(f"the text to replace {problem} in {path}", cure=cure)
    if old == new:
        raise ConfigurationError(f"nothing would change in {path}", cure="give another text")
    return text.replace(old, new)


def difference(path: str, before: str | None, after: str) -> str:
    """A unified diff; `before` is None for a new file. Beyond 400 lines it says how many are left out."""
    old = [] if before is None else before.splitlines(keepends=True)
    name = "/dev/null" if before is None else path
    lines = [_shown(line) for line in unified_diff(old, after.splitlines(keepends=True), name, path)]
    more = len(lines) - MAX_DIFFERENCE_LINES
    return "".join(lines[:MAX_DIFFERENCE_LINES]) + (f"… {more} more lines\n" if more > 0 else "")


def _shown(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ no line end at the end of the file\n"
