"""Lines that name what is described below: `.. option:: -j <n>` in reStructuredText, `--jobs=<n>::` in AsciiDoc."""

import re
from typing import NamedTuple

_KINDS = (
    "attribute", "class", "classmethod", "cmdoption", "command", "concept", "confval", "data", "decorator",
    "decoratormethod", "describe", "django-admin", "django-admin-option", "enum", "enumerator", "envvar", "event",
    "exception", "function", "macro", "member", "method", "object", "opcode", "option", "pdbcommand", "property",
    "setting", "signature", "staticmethod", "struct", "templatefilter", "templatetag", "type", "union", "var",
    "variable",
)  # fmt: skip
"""Kinds of objects that Sphinx knows without the name of a domain, and those that Python, Django and CMake added."""
OBJECT = re.compile(rf"\.\.[ \t]+(?:[a-zA-Z][\w+.-]*:[\w-]+|{'|'.join(_KINDS)})::[ \t]+(?P<name>\S[^\r\n]*)")
"""The line that begins a description. Every directive of a domain, such as `http:get`, describes an object."""
_TERM = re.compile(r"[ \t]*(?P<words>(?!\.\.[ \t])\S.*?)(?P<mark>:{2,4}|;;)[ \t]*$")
_TERM_MARKUP = re.compile(r"\[\[[^\]]*\]\]|`+")
_ESCAPE = re.compile(r"\\(.)")


def described_object(line: str) -> str:
    """The name or signature of the object that a line without its indentation begins to describe; "" for none."""
    found = OBJECT.match(line)
    return _ESCAPE.sub(r"\1", found["name"]).strip() if found is not None else ""


class Term(NamedTuple):
    """A term of AsciiDoc on a line of its own, without its markup, and the signs after it, which tell its depth."""

    words: str
    mark: str


def described_term(line: str) -> Term | None:
    """The term that a line consists of."""
    found = _TERM.match(line)
    words = _TERM_MARKUP.sub("", found["words"]).strip() if found is not None else ""
    return Term(words, found["mark"]) if found is not None and words else None
