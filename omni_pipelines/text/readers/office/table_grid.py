"""Rows of tables in which cells are merged: each row repeats the text of the cells that reach into it."""

from dataclasses import dataclass, field

MAX_SPAN = 64
"""Columns or rows that one cell may cover; a number above it is damage."""
MAX_REPEATED = 200
"""Characters of a text that is repeated: a longer one is a passage, not a label."""


@dataclass
class GridCell:
    """A cell of the current row."""

    texts: list[str] = field(default_factory=list)
    columns: int = 1
    """How many columns it covers."""
    continues_above: bool = False
    """It is a part of the cell above."""
    continues_left: bool = False
    """It is a part of the cell to its left."""


class TableGrid:
    """One table, row by row."""

    def __init__(self) -> None:
        self.rows = 0
        """Rows that have ended."""
        self.cells: list[GridCell] = []
        self._above: list[str] = []

    def start_row(self) -> None:
        """Start a row without cells."""
        self.cells = []

    def start_cell(self, columns: int = 1) -> GridCell:
        """Add a cell to the row."""
        cell = GridCell(columns=max(1, min(columns, MAX_SPAN)))
        self.cells.append(cell)
        return cell

    def skip_columns(self, count: int) -> None:
        """Leave columns at the start of a row empty."""
        for _ in range(max(0, min(count, MAX_SPAN))):
            self.start_cell()

    @property
    def column(self) -> int:
        """The first column, from 0, of the last cell."""
        return sum(min(cell.columns, MAX_SPAN) for cell in self.cells[:-1])

    def end_row(self) -> list[str]:
        """The texts of the row, one a column; one text if a single cell covers the row."""
        texts: list[str] = []
        for cell in self.cells:
            text = " ".join(cell.texts).strip()
            if cell.continues_above and not text and len(texts) < len(self._above):
                text = _repeated(self._above[len(texts)])
            elif cell.continues_left and not text and texts:
                text = _repeated(texts[-1])
            texts += [text, *[_repeated(text)] * (min(cell.columns, MAX_SPAN) - 1)]
        self._above, count = texts, len(self.cells)
        self.cells = []
        self.rows += 1
        return texts[:1] if count == 1 else texts


def _repeated(text: str) -> str:
    return text if len(text) <= MAX_REPEATED else ""
