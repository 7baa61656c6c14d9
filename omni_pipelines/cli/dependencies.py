"""What commands take besides their own options: the home and its settings."""

from pathlib import Path
from shlex import quote
from typing import Annotated

from typer import Option

from omni_pipelines.cli.command import Depends
from omni_pipelines.cli.output import narrate
from omni_pipelines.configuration import find_home, load_settings, untrusted_settings
from omni_pipelines.home import Home
from omni_pipelines.settings import Settings

HomeOption = Annotated[
    Path | None, Option("--home", help="The knowledge base. Default: OMNI_HOME, or the nearest .omni folder.")
]


def any_home(home: HomeOption = None) -> Home:
    """The home that `--home` or the environment names; it may not exist yet.

    Settings of its omni.toml that are ignored are named on standard error.
    """
    found = find_home(home)
    if names := untrusted_settings(found):
        narrate(f"{found.config} is not trusted, so these settings of it are ignored: {', '.join(names)}")
        narrate("  read them, then run: omni trust" + (f" --home {quote(str(home))}" if home else ""))
    return found


def existing_home(home: Annotated[Home, Depends(any_home)]) -> Home:
    """The home that `--home` or the environment names.

    Raises:
        HomeError: it does not exist, or is not a home.
    """
    home.check()
    return home


def settings_of(home: Annotated[Home, Depends(any_home)]) -> Settings:
    """The settings of the home."""
    return load_settings(home)


AnyHome = Annotated[Home, Depends(any_home)]
ExistingHome = Annotated[Home, Depends(existing_home)]
HomeSettings = Annotated[Settings, Depends(settings_of)]
