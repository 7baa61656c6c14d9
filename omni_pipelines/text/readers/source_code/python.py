"""Python source: the text is the file's own; classes and functions give the sections."""

import ast
import re
import symtable
import warnings

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.source_code.python_lines import definition_sections, first_statement

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_MAYBE_TEXT = re.compile(r"""[\s(]*+[rRuU]?["']""")


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Classes and functions are sections, nested; the first line of the docstring is the title."""
    cookie = _COOKIE.search(b"\n".join(raw.split(b"\n", 2)[:2]))
    decoded = decode(raw, cookie[1].decode("ascii") if cookie else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not _is_valid(decoded.text):  # another version of Python, or a template: it is read without sections
            return Parsed(decoded, title=name)
        docstring = _docstring(decoded.text)
    title = docstring.split("\n", 1)[0].strip() or name
    return Parsed(decoded, title=title, sections=definition_sections(decoded.text))


def _is_valid(text: str) -> bool:
    """Whether the parser of Python accepts a source."""
    try:
        symtable.symtable(text, "<unknown>", "exec")  # the parser without its tree: half of the time
    except (SyntaxError, RecursionError):  # it also refuses some names that are used in two ways
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    except (ValueError, MemoryError):
        return False
    return True


def _docstring(text: str) -> str:
    """The docstring of a module; "" if it has none."""
    statement = first_statement(text)
    return (ast.get_docstring(ast.parse(statement)) if _MAYBE_TEXT.match(statement) else None) or ""
