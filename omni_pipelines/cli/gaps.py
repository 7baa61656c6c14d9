"""`omni gaps`: what was asked and is not told."""

from __future__ import annotations

from typing import Annotated

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json


def gaps(
    every: Annotated[bool, typer.Option("--all", help="Closed gaps, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, help="Most gaps that are shown.")] = 20,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List what was asked and not answered, or only weakly, grouped; a release that answers it closes a gap."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.librarian import Librarian

    found = Librarian.open(home_to_read(home)).gaps()
    shown = [gap for gap in found if every or gap.closed_by is None][:limit]
    if json:
        say_json(
            {
                "open": sum(gap.closed_by is None for gap in found),
                "gaps": [gap.model_dump(mode="json") for gap in shown],
            }
        )
        return
    if not shown:
        narrate("no gap is open")
    for gap in shown:
        state = f"closed by release {gap.closed_by}" if gap.closed_by else f"evidence {gap.evidence:.2f}"
        say(f"{gap.times:>4}x  {gap.question}  ({state}, last asked {gap.last_asked.astimezone():%Y-%m-%d})")
        for other in gap.wordings[1:4]:
            say(f"       {other}")
