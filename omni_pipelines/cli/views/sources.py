"""What `omni source` and `omni store` print."""

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.output import narrate, say
from omni_pipelines.cli.text import say_table
from omni_pipelines.sharing.store_state import StoreState
from omni_pipelines.sources.model.source import Source


def source_fields(source: Source, **more: object) -> Fields:
    """The fields of a source that a person sets, and further ones."""
    names = ("name", "kind", "include", "exclude", "acl", "allow", "allow_private", "declared")
    return {"location": source.location, **{name: getattr(source, name) for name in names}, **more}


def show_sources(sources: Rows[Fields]) -> None:
    """Print one line per source."""
    if not sources.rows:
        narrate("no source is registered; run: omni source add LOCATION, or omni ingest PATH")
    rows = [
        (
            source["name"],
            source["kind"],
            counted(source["documents"], "document"),
            source["location"],
            source["acl"],
            _note(source),
        )
        for source in sources.rows
    ]
    say_table(("name", "kind", "size", "location", "access", "note"), rows)


def _note(source: Fields) -> str:
    if source["read_here"]:
        return ""
    return "(read by another home)" if source["claimed"] else "(not read; see omni source claim)"


def show_claim(claim: Fields) -> None:
    """Print whether this home reads the source from now on."""
    if not claim["new"]:
        say(f"this home reads {claim['name']} already")
        return
    say(f"{claim['name']}: this home reads {counted(claim['files'], 'file')} in {claim['location']} from now on")
    others = "; the other home stops reading the source after its next pull" if claim["from_home"] else ""
    narrate(f"next: omni ingest{others}")


def show_store(state: StoreState) -> None:
    """Print what the store holds, and the release of this home."""
    releases = ", ".join(map(str, state.releases)) or "none"
    pinned = f"; pinned {', '.join(map(str, state.pinned))}" if state.pinned else ""
    say(f"{state.url}: {state.objects:,} objects, {state.bytes:,} bytes")
    say(f"  releases {releases}{pinned}")
    say(f"  this home is at release {state.here}" if state.here else "  this home has not joined the store yet")
    for name, fingerprint in state.differing.items():
        narrate(f"note: {name} of the newest release is {fingerprint}, and this home's differs; homes with different")
        narrate("      settings undo each other's work")
    if state.here < max(state.releases, default=0):
        narrate("next: omni store pull")


def show_pull(pulled: Fields) -> None:
    """Print the release of this home, and the one before."""
    if pulled["release"] == pulled["before"]:
        say(f"release {pulled['release']}: this home has it already" if pulled["release"] else "the store is empty")
    else:
        say(f"release {pulled['release']}" + (f"; it was {pulled['before']}" if pulled["before"] else ""))
