"""Turn the headings of a document into sections with heading paths."""

from __future__ import annotations

from collections.abc import Iterable

from omni_pipelines.text.document import Section

Heading = tuple[int, int, str]
"""Start, level from 1 (outermost), title."""


def nest(headings: Iterable[Heading]) -> tuple[Section, ...]:
    """A section for each heading, in order; its path names the headings that enclose it, outermost first."""
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    for start, level, title in headings:
        while above and above[-1][0] >= level:
            above.pop()
        above.append((level, title))
        sections.append(Section(start, tuple(name for _, name in above)))
    return tuple(sections)
