"""Sources that omni.toml declares, and the options that it sets for registered sources."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from omni_pipelines.errors import SourceMissing
from omni_pipelines.settings import SourceOptions, SourceSettings
from omni_pipelines.sources.claims import NOBODY
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.source import Source, SourceKind


def with_declared(
    registered: Mapping[str, Source],
    settings: Mapping[str, SourceSettings],
    folder: Path,
    is_ours: Callable[[Source], bool],
) -> dict[str, Source]:
    """Registered and declared sources by name, sorted, with the options that `[sources.NAME]` sets.

    Args:
        registered: the sources of the registry, by name.
        settings: the tables `[sources.NAME]` of omni.toml.
        folder: of omni.toml; relative locations start there.
        is_ours: whether this home reads a source; other homes' sources stay as registered.

    A declared location that is not there stays as it was registered, or counts as a folder: listing it says the rest.
    """
    sources = dict(registered)
    for name, own in settings.items():
        known = registered.get(name)
        foreign = known is not None and known.read_by == NOBODY  # its location counts for nothing
        if own.location and (known is None or foreign or is_ours(known)):
            source = _declared(name, own, folder, None if foreign else known)
            kept = {"forgotten": known.forgotten, "read_by": "" if foreign else known.read_by} if known else {}
            sources[name] = source.model_copy(update={"declared": True, **kept})
    return {
        name: _with_options(sources[name], settings.get(name)) if is_ours(sources[name]) else sources[name]
        for name in sorted(sources)
    }


def _declared(name: str, own: SourceSettings, folder: Path, known: Source | None) -> Source:
    try:
        return source_at(own.location, name, rev=own.rev, base=folder)
    except SourceMissing:
        path = Path(os.path.abspath(folder / Path(own.location).expanduser()))  # not resolved: there is nothing
        kind = SourceKind.GIT if own.rev else SourceKind.FILES
        return known or Source(name=name, kind=kind, root=path, rev=own.rev)


def _with_options(source: Source, own: SourceSettings | None) -> Source:
    given = own.model_fields_set & (SourceOptions.model_fields.keys() - {"rev"}) if own else set()
    values = {name: getattr(own, name) for name in given}
    return Source.model_validate({**source.model_dump(), **values}) if values else source
