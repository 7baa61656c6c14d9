"""Passages of settings: their entries and comments, labelled by the keys and sections around them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.text.blocks import Block
from omni_pipelines.text.document import HEADING_SEPARATOR, JOINED_SEPARATOR
from omni_pipelines.text.readers.source_code.code import is_settings
from omni_pipelines.text.sentences import Range
from omni_pipelines.text.setting_blocks import setting_blocks
from omni_pipelines.text.table_headers import CELL_SEPARATOR

_OBJECT = re.compile(r"\s*\{[ \t]*\n")
"""The beginning of an object of JSON whose entries are on lines of their own."""
_MAX_LABEL_LENGTH = 60
"""Characters of a label that is a whole path; a longer one shows the outermost part and the two innermost ones."""


@dataclass(frozen=True)
class Label:
    """What an entry is about."""

    heading: str
    """The path of keys and sections around it, shortened if it is long; "" if nothing is around it."""
    around: str
    """The whole path, if `heading` is shortened."""


@dataclass(frozen=True)
class LabelledGroup:
    """An object, a section or an item of a list, with all its entries."""

    range: Range
    label: Label
    named_by: int | None
    """Where the entry starts that names an item; None for other objects."""


@dataclass(frozen=True)
class PassageSettings:
    """The settings of a passage."""

    blocks: list[Block]
    labels: list[Label]
    groups: list[LabelledGroup]


def passage_settings(hit: Hit) -> PassageSettings | None:
    """The settings of a passage; None if it is not of a file of settings, or if its entries are rows of a table."""
    above = hit.heading.split(HEADING_SEPARATOR) if hit.heading else []
    if above and CELL_SEPARATOR in above[-1]:
        if not _OBJECT.match(hit.text):
            return None
        above.pop()  # the names of a list of objects inside the object
    if not is_settings(hit.path):
        return None
    found = setting_blocks(hit.text)
    if found is None:
        return None
    named = [part for part in above if JOINED_SEPARATOR not in part]
    labels = [_label(named, path) for path in found.paths]
    groups = [LabelledGroup((each.start, each.end), _label(named, each.path), each.named_by) for each in found.groups]
    return PassageSettings(found.blocks, labels, groups)


def _label(above: Sequence[str], path: Sequence[str]) -> Label:
    """The label of a path within a passage, whose own path may begin with the same names."""
    shared = above.index(path[0]) if path and path[0] in above else len(above)
    names = [*above[:shared], *path]
    whole = HEADING_SEPARATOR.join(names)
    if len(whole) <= _MAX_LABEL_LENGTH or len(names) <= len(_shortened(names)):
        return Label(whole, "")
    return Label(HEADING_SEPARATOR.join(_shortened(names)), whole)


def _shortened(names: Sequence[str]) -> list[str]:
    return [names[0], "…", *names[-2:]]
