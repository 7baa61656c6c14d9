"""Python source: the text is the file's own; classes and functions give the sections."""

import ast
import re
import warnings

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.source_code.python_lines import definition_sections, first_statement

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_MAYBE_TEXT = re.compile(r"""[\s(]*+[rRuU]?["']""")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Classes and functions are sections, nested; the first line of the docstring is the title.

    Source need not be valid: another version of Python, or a file that is being edited, has definitions too.
    """
    cookie = _COOKIE.search(b"\n".join(raw.split(b"\n", 2)[:2]))
    decoded = decode(raw, cookie[1].decode("ascii") if cookie else None)
    title = _docstring(decoded.text).split("\n", 1)[0].strip() or name
    return Parsed(decoded, title=title, sections=definition_sections(decoded.text))


def _docstring(text: str) -> str:
    """The docstring of a module; "" if it has none."""
    statement = first_statement(text)
    if not _MAYBE_TEXT.match(statement):
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.get_docstring(ast.parse(statement)) or ""
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
