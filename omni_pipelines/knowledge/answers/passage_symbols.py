"""The symbol that each block of a passage of source code belongs to, by declarations above it and indentation."""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.text.blocks import Block, BlockKind
from omni_pipelines.text.code_blocks import is_declaration
from omni_pipelines.text.declarations import declared_name
from omni_pipelines.text.document import HEADING_SEPARATOR
from omni_pipelines.text.sentences import Range

_MAX_NAME_LENGTH = 90
_OF_FOLDERS = {"__init__", "__main__", "index", "main", "mod", "lib"}
"""Names of files, without the suffix, that many folders have."""


def passage_symbols(
    hit: Hit, found: Sequence[Block], description: Callable[[int], Range | None]
) -> tuple[list[str], list[str]]:
    """For each block the symbol that it belongs to, and for each the symbol around that one; "" if there is none.

    A declaration belongs to the symbol that it is in, and its description to what it declares.

    Args:
        hit: the passage.
        found: its blocks, in order.
        description: what describes a signature, the block at an index.
    """
    text, nesting = hit.text, _Nesting(hit.heading)
    paths: list[list[str]] = []
    for block in found:
        declaration = text[block.start : block.end] if block.kind is BlockKind.SIGNATURE else ""
        declared = declared_name(declaration) if is_declaration(declaration) else ""
        paths.append(nesting.enter(_indentation(text, block.start), declared))
    for index, block in enumerate(found):
        described = description(index) if block.kind is BlockKind.SIGNATURE else None
        if described is not None:
            name = declared_name(text[block.start : block.end])
            own = paths[index] if paths[index][-1:] == [name] else [*paths[index], name]
            for at, other in enumerate(found):
                if described[0] <= other.start < described[1]:
                    paths[at] = own
    ends = [["", "", *filter(None, path)][-2:] for path in paths]
    return [symbol for _, symbol in ends], [around for around, _ in ends]


class _Nesting:
    """The symbols around the blocks of a passage, which are entered in order."""

    def __init__(self, heading: str) -> None:
        self._above = [symbol_name(part) for part in heading.split(HEADING_SEPARATOR) if part.strip()]
        self._inside: list[tuple[int, str]] = []
        """Indentation and name of each declaration of the passage that a block is in, outermost first."""
        self._least: int | None = None
        """The least indentation above the first declaration."""

    def enter(self, indentation: int, declared: str) -> list[str]:
        """The names around a block, outermost first; what it declares is around the blocks that it encloses."""
        while self._inside and self._inside[-1][0] >= indentation:
            self._inside.pop()
        if declared and not indentation:
            self._above = []
        elif not self._inside:
            if declared and self._above and self._ends_first(indentation, declared):
                self._above.pop()
            self._least = min(indentation, self._least or indentation)
        around = [*self._above, *(name for _, name in self._inside)]
        if declared:
            self._inside.append((indentation, declared))
        return around

    def _ends_first(self, indentation: int, declared: str) -> bool:
        """Whether a declaration is that of the symbol in which the passage begins, or comes after it."""
        return self._above[-1] == declared or (self._least is not None and indentation < self._least)


def _indentation(text: str, start: int) -> int:
    """The blanks at the beginning of the line in which a block starts."""
    line = text[text.rfind("\n", 0, start) + 1 : start + 1]
    return len(line) - len(line.lstrip())


def symbol_name(heading: str) -> str:
    """The name of the symbol that a heading names, which may be its whole signature."""
    name = declared_name(heading) if "(" in heading or " " in heading else heading
    return (name or heading).strip()[:_MAX_NAME_LENGTH]


def file_name(path: str) -> str:
    """The name of a file, with its folder if many folders have a file with this name."""
    parts = PurePosixPath(path)
    return "/".join(parts.parts[-2:]) if parts.stem in _OF_FOLDERS else parts.name
