"""Merges the registry of sources of one home with the registry that the other homes of its store have published."""

from collections.abc import Sequence

from omni_pipelines.sources.claims import NOBODY
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import free_name

_LOCATION_FIELDS = ("kind", "root", "url", "file", "rev", "include", "allow", "allow_private", "read_by")


def assign_reader(sources: Sequence[Source], home: str) -> list[Source]:
    """The sources, with this home as the reader of those that have none."""
    return [source if source.read_by else source.model_copy(update={"read_by": home}) for source in sources]


def merge_sources(
    base: Sequence[Source], mine: Sequence[Source], theirs: Sequence[Source], home: str
) -> list[Source]:
    """The registry after both sides changed it; `base` is the state that they last had in common.

    If both changed a source, the change of the home that reads it wins. What either side has erased stays erased. If
    both added a source under one name, these are two sources, because one path on two machines is two folders; the
    local one gets another name, because nothing of it is published yet.
    """
    before, local, remote = ({source.name: source for source in sources} for sources in (base, mine, theirs))
    remote = {name: _without_foreign_location(source, local.get(name), home) for name, source in remote.items()}
    result = dict(remote)
    added: list[Source] = []
    for name in before.keys() | local.keys():
        own, other = local.get(name), remote.get(name)
        if own == before.get(name):
            continue  # not changed here
        if own is None:
            if other is None or other == before.get(name):
                result.pop(name, None)
        elif name not in before and other is not None and _location(other) != _location(own):
            added.append(own)
        elif other is None or other == before.get(name) or own.read_by == home:
            result[name] = _with_erasures_of(own, other)
        else:
            result[name] = _with_erasures_of(other, own)
    for source in added:
        name = free_name(source.name, result.values())
        result[name] = source.model_copy(update={"name": name})
    return [result[name] for name in sorted(result)]


def _without_foreign_location(other: Source, own: Source | None, home: str) -> Source:
    """A published source, in which nobody else decides what this home reads: a bucket must not make it read /etc."""
    if other.read_by not in ("", home):
        return other
    if own is None or own.read_by not in ("", home):
        return other.model_copy(update={"read_by": NOBODY})
    return other.model_copy(update={field: getattr(own, field) for field in _LOCATION_FIELDS})


def _with_erasures_of(source: Source, other: Source | None) -> Source:
    marks = {*source.forgotten, *(other.forgotten if other is not None else ())}
    return source.model_copy(update={"forgotten": tuple(sorted(marks))})


def _location(source: Source) -> tuple[str, str]:
    return source.read_by, source.location
