"""The home that a reading command opens: where homes share a store, with what others published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from omni_pipelines.cli.output import narrate
from omni_pipelines.configuration import find_home, load_settings

if TYPE_CHECKING:
    from omni_pipelines.home import Home


def home_to_read(flag: Path | None) -> Home:
    """The home that `flag` or the environment names, brought to the newest release of the store that it shares."""
    home = find_home(flag)
    settings = load_settings(home)
    if settings.store:
        from omni_pipelines.sharing.pull import refresh

        problem = refresh(home, settings)
        if problem:
            narrate(f"note: {problem}")
            narrate("      what follows is of the newest release that this home has")
    return home
