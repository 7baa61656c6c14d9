"""The names that declarations of source code declare."""

import re

_DECLARED = re.compile(r"([A-Za-z_]\w*(?:(?:\.|::)\w+)*)(?!\w)\s*(?:[(=\[{<]|:(?!:)|$)", re.MULTILINE)
"""The name that a declaration declares: `join` in `def join(`, `Path` in `class Path:`."""
_NAMED = re.compile(
    r"(?:[\w#@!]+(?:\([^)]*\))?\s+)*?(?:enum\s+class|class|interface|struct|enum|trait|record|protocol|type|union|module"
    r"|mod|object|func|function|fn|fun|def)\b[*&]?(?:\s*<[^>]*>)?\s*(?:\([^)]*\)\s*)?"
    r"([A-Za-z_]\w*(?:(?:\.|::)\w+)*)(?![\w.])(?!\s+[*&]?\w+\s*\()"
)
"""A declaration that begins with what it declares: `class Heron extends Bird`, `func (h *Heron) Wait()`."""


def declared_name(declaration: str) -> str:
    """The name that a declaration declares; "" if it declares none."""
    declared = _NAMED.match(declaration) or _DECLARED.search(declaration)
    return declared[1] if declared else ""
