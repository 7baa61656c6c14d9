"""`omni duplicates`: what stands in the knowledge base more than once."""

from __future__ import annotations

from typing import Annotated

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption, ReaderOption, reader_of
from omni_pipelines.cli.output import narrate, say, say_json


def duplicates(
    least: Annotated[float, typer.Option("--least", help="Share of common runs of words, above 0 to 1.")] = 0.8,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, help="Most groups that are shown.")] = 20,
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List passages that are the same or nearly the same, grouped, the largest group first."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.search.duplicates import find_duplicates
    from omni_pipelines.knowledge.search.hits import format_location
    from omni_pipelines.knowledge.state.snapshot import Snapshot

    found = find_duplicates(Snapshot.open(home_to_read(home), viewer=reader_of(reader)), least)
    passages = sum(len(group.places) for group in found)
    if json:
        shown = [group.model_dump(mode="json") for group in found[:limit]]
        say_json({"groups": len(found), "passages": passages, "shown": shown})
        return
    for group in found[:limit]:
        say(f"{group.similarity:.0%} alike: {group.beginning}")
        for each in group.places:
            say(f"    {format_location(each.path, each.start_line, each.end_line, each.page)}")
    narrate(f"{len(found)} groups, {passages} passages" + (f"; {limit} shown" if limit < len(found) else ""))
