"""Lines of a text in which tables are looked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from omni_pipelines.text.document import TextTable


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the text."""

    start: int
    end: int
    text: str
    """Without its line end."""


Found = tuple[int, TextTable | None]
"""The number of lines taken, and the table they are; 0 lines where no table starts."""
NOTHING: Found = (0, None)


def run_of(found: Sequence[Line], index: int, belongs: Callable[[str], bool]) -> Sequence[Line]:
    """The lines from `index` on up to the first that does not belong to them."""
    end = index
    while end < len(found) and belongs(found[end].text):
        end += 1
    return found[index:end]


def marked(run: Sequence[Line], first: int, names: str) -> TextTable | None:
    """The table whose header starts at the line `first`; None without names."""
    return TextTable(run[first].end, run[-1].end, names) if names else None
