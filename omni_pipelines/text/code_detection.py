"""Recognise source code by its text alone, where no file name says what it is."""

import ast
import re
import warnings

_PYTHON_LINE = re.compile(
    r"\s*(?:(?:async\s+)?def\s+\w+\s*\(.*|class\s+\w+.*:|from\s+[\w.]+\s+import\s.+|import\s+[\w.]+|@\w.*)$"
)
_SIGNS = {
    ".rs": r"\bfn\s+\w+|\blet\s+(?:mut\s+)?\w+|\bimpl\b|\bpub\s|\bmatch\s.*\{$|^use\s+[\w:]+",
    ".go": r"^package\s+\w+$|\bfunc\s+(?:\(\w+\s+\*?\w+\)\s*)?\w+\(|:=",
    ".java": r"\b(?:public|private|protected)\s+(?:static\s+)?(?:final\s+)?[\w<>\[\]]+\s+\w+|^import\s+[\w.]+;$",
    ".js": r"\bfunction\b|\b(?:const|let|var)\s+\w+\s*=|=>|\brequire\(",
    ".cpp": r"^#include\b|\bstd::|\btemplate\s*<|\w+::\w+\(|^using\s+namespace\b",
    ".c": r"^#(?:include|define|ifdef|ifndef|endif)\b|\b(?:int|void|char|static|struct)\s+\*?\w+\s*[(;={]",
    ".php": r"<\?php|\$\w+\s*=|\$this->",
    ".rb": r"^\s*def\s+\w+[^:]*$|^\s*end$|\bdo\s*\|\w+\|",
}
_LINE_END = re.compile(r"[;{}]\s*$|^\s*(?://|/\*|\*/)")
_MIN_SHARE = 0.3
"""Share of the lines that end as statements do, from which a text with braces is code."""


def code_suffix(text: str) -> str:
    """The suffix of a file with this source code, such as `.py`; "" for prose and data."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    if _is_python(text, lines):
        return ".py"
    ends = sum(bool(_LINE_END.search(line)) for line in lines) / len(lines)
    signs = {
        suffix: sum(bool(re.search(sign, line.strip())) for line in lines) / len(lines)
        for suffix, sign in _SIGNS.items()
    }
    best = max(signs, key=lambda suffix: signs[suffix])
    enough = ends >= _MIN_SHARE or (best == ".rb" and signs[best] >= _MIN_SHARE)
    return best if enough and signs[best] > 0 else ""


def _is_python(text: str, lines: list[str]) -> bool:
    """Whether Python parses it and it defines or imports something, or half of it does so in an older Python."""
    if not any(_PYTHON_LINE.match(line) for line in lines):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escape sequences in the parsed text
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _PYTHON_LINE.match(lines[0]) is not None and all(line[:1].isspace() for line in lines[2:])
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    return any(isinstance(node, kinds) for node in tree.body)
