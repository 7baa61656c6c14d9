"""Patterns of `re` that few texts need: each is compiled when it is first used.

A set with a range of thousands of characters takes several milliseconds to compile, which a command that starts,
answers and ends would spend on scripts that its texts do not have.
"""

import re
from typing import cast


class _LaterPattern:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def __getattr__(self, name: str) -> object:
        method = getattr(re.compile(self.pattern), name)
        setattr(self, name, method)  # later uses cost what those of a compiled pattern cost
        return method


def compile_later(pattern: str) -> re.Pattern[str]:
    """The pattern, which is compiled when one of its methods is first used."""
    return cast("re.Pattern[str]", _LaterPattern(pattern))
