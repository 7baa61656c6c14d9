"""Headings of a document to heading paths."""

from __future__ import annotations

from collections.abc import Iterable

from omni_pipelines.text.document import Section


def nest(headings: Iterable[tuple[int, int, str]]) -> tuple[Section, ...]:
    """(start, level, title) in order to sections whose path names the headings above, outermost first."""
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    for start, level, title in headings:
        while above and above[-1][0] >= level:
            above.pop()
        above.append((level, title))
        sections.append(Section(start, tuple(name for _, name in above)))
    return tuple(sections)
