"""The registry of sources, as several homes change it: what one changed since they last agreed, all take over."""

from __future__ import annotations

from collections.abc import Sequence

from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import free_name


def stamped(sources: Sequence[Source], home: str) -> list[Source]:
    """The sources, those that nobody reads yet being read by this home."""
    return [each if each.read_by else each.model_copy(update={"read_by": home}) for each in sources]


NOBODY = "nobody"
"""Reads a source until a home claims it."""


def _trusted(other: Source, own: Source | None, home: str) -> Source:
    """A source as the store has it. What this home reads, no other decides: a bucket must not make it read /etc."""
    if other.read_by not in ("", home):
        return other
    if own is None or own.read_by not in ("", home):
        return other.model_copy(update={"read_by": NOBODY})
    return other.model_copy(update={field: getattr(own, field) for field in _PLACE})


_PLACE = ("kind", "root", "url", "file", "rev", "include", "allow", "allow_private", "read_by")


def _forgetting(source: Source, other: Source | None) -> Source:
    marks = {*source.forgotten, *(other.forgotten if other is not None else ())}
    return source.model_copy(update={"forgotten": tuple(sorted(marks))})


def _place(source: Source) -> tuple[str, str]:
    return source.read_by, source.location


def merged(base: Sequence[Source], mine: Sequence[Source], theirs: Sequence[Source], home: str) -> list[Source]:
    """The registry after both sides changed it, `base` being what they had last in common.

    Of two changes of one source, the one of the home that reads it counts; what either side forgot stays forgotten.
    Two sources that were added under one name are two, for one path is another place on another machine: mine, of
    which nothing is published yet, gets another name.
    """
    before, local, remote = ({source.name: source for source in each} for each in (base, mine, theirs))
    remote = {name: _trusted(other, local.get(name), home) for name, other in remote.items()}
    found = dict(remote)
    added: list[Source] = []
    for name in before.keys() | local.keys():
        own, other = local.get(name), remote.get(name)
        if own == before.get(name):
            continue  # not changed here
        if own is None:
            if other is None or other == before.get(name):
                found.pop(name, None)
        elif name not in before and other is not None and _place(other) != _place(own):
            added.append(own)
        elif other is None or other == before.get(name) or own.read_by == home:
            found[name] = _forgetting(own, other)
        else:
            found[name] = _forgetting(other, own)
    for source in added:
        found_name = free_name(source.name, found.values())
        found[found_name] = source.model_copy(update={"name": found_name})
    return [found[name] for name in sorted(found)]
