"""What commands take that read a release: a refreshed home, the release, and the viewer."""

from typing import Annotated

from typer import Option

from omni_pipelines.cli.command import Depends
from omni_pipelines.cli.dependencies import AnyHome, HomeSettings
from omni_pipelines.cli.output import narrate
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.releases import parse_moment, release_as_of

ReleaseOption = Annotated[int | None, Option("--release", help="A kept release. Default: the newest.")]
AsOfOption = Annotated[
    str | None, Option("--as-of", metavar="TIME", help="The newest release up to this ISO date or time (local time).")
]
ViewerOption = Annotated[
    list[str] | None,
    Option(
        "--as",
        metavar="TAG",
        help="Read as a viewer with this access tag, who sees what has this tag or no tag. Repeatable. "
        "Default: the owner, who sees everything.",
        show_default=False,
    ),
]


def refreshed_home(home: AnyHome, settings: HomeSettings) -> Home:
    """The home, brought to the newest release of the store that it shares, if it shares one."""
    if settings.store:
        from omni_pipelines.sharing.pull import refresh  # most homes share no store, and need not wait for its import

        if problem := refresh(home, settings):
            narrate(f"note: {problem}")
            narrate("      what follows is from the newest release that this home has")
    return home


def viewer_of(viewer: ViewerOption = None) -> Viewer | None:
    """The viewer with the given tags; None is the owner. `--as ""` is a viewer without tags.

    Raises:
        ConfigurationError: a tag is malformed.
    """
    return None if viewer is None else Viewer.of(tag for given in viewer for tag in given.split(",") if tag)


def release_number(
    home: Annotated[Home, Depends(refreshed_home)], release: ReleaseOption = None, as_of: AsOfOption = None
) -> int | None:
    """The number of the chosen release; None is the newest.

    Raises:
        ConfigurationError: both options are given, or no kept release is that old.
    """
    if as_of is None:
        return release
    if release is not None:
        raise ConfigurationError("--release and --as-of both name a release", cure="give one of them")
    return release_as_of(home, parse_moment(as_of)).release


RefreshedHome = Annotated[Home, Depends(refreshed_home)]
ViewerOrOwner = Annotated[Viewer | None, Depends(viewer_of)]
ReleaseNumber = Annotated[int | None, Depends(release_number)]
