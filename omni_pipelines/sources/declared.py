"""Sources that omni.toml declares, and the options that it sets for registered sources."""

from collections.abc import Callable, Mapping
from pathlib import Path

from omni_pipelines.settings import SourceOptions, SourceSettings
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.source import Source


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

    Raises:
        SourceMissing: a declared location is not there.
    """
    sources = dict(registered)
    for name, own in settings.items():
        if own.location and (name not in registered or is_ours(registered[name])):
            source = source_at(own.location, name, rev=own.rev, base=folder)
            known = registered.get(name, source)
            kept = {"forgotten": known.forgotten, "read_by": known.read_by}
            sources[name] = source.model_copy(update={"declared": True, **kept})
    return {
        name: _with_options(sources[name], settings.get(name)) if is_ours(sources[name]) else sources[name]
        for name in sorted(sources)
    }


def _with_options(source: Source, own: SourceSettings | None) -> Source:
    given = own.model_fields_set & (SourceOptions.model_fields.keys() - {"rev"}) if own else set()
    values = {name: getattr(own, name) for name in given}
    return Source.model_validate({**source.model_dump(), **values}) if values else source
