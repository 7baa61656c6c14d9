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
    text = hit.text
    above = [symbol_name(part) for part in hit.heading.split(HEADING_SEPARATOR) if part.strip()]
    paths: list[list[str]] = []
    inside: list[tuple[int, str]] = []  # (indentation of a declaration, its name), outermost first
    for block in found:
        line = text[text.rfind("\n", 0, block.start) + 1 : block.end]
        indentation = len(line) - len(line.lstrip())
        while inside and inside[-1][0] >= indentation:
            inside.pop()
        names = [name for _, name in inside]
        shared = 1 if names and above and names[0] == above[-1] else 0
        paths.append([*above, *names[shared:]])
        if block.kind is BlockKind.SIGNATURE and is_declaration(text[block.start : block.end]):
            inside.append((indentation, declared_name(text[block.start : block.end])))
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


def symbol_name(heading: str) -> str:
    """The name of the symbol that a heading names, which may be its whole signature."""
    name = declared_name(heading) if "(" in heading or " " in heading else heading
    return (name or heading).strip()[:_MAX_NAME_LENGTH]


def file_name(path: str) -> str:
    """The name of a file, with its folder if many folders have a file with this name."""
    parts = PurePosixPath(path)
    return "/".join(parts.parts[-2:]) if parts.stem in _OF_FOLDERS else parts.name
