"""`omni install` and `omni uninstall`."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from omni_pipelines.cli.command import Fields, command
from omni_pipelines.cli.confirmation import confirmed
from omni_pipelines.cli.dependencies import AnyHome
from omni_pipelines.cli.output import narrate, say, visible
from omni_pipelines.cli.release_options import ViewerOption
from omni_pipelines.configuration import user_folder
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.mcp_server.clients.client_table import CLIENTS, client_named
from omni_pipelines.mcp_server.clients.installation import FileChange, Installation

ClientArgument = Annotated[str, Argument(metavar="|".join(CLIENTS), help="The editor or agent.")]
YesOption = Annotated[bool, Option("--yes", help="Change the file without asking.")]
DryRunOption = Annotated[bool, Option("--dry-run", help="Show what would change, and change nothing.")]


@dataclass(frozen=True)
class ClientFile:
    """What was done to the file of a client."""

    client: str
    file: Path
    changed: bool
    diff: Sequence[str]
    dry_run: bool

    def as_json(self) -> Fields:
        """The fields."""
        return asdict(self)


def _show(result: ClientFile) -> None:
    if result.dry_run:
        for line in result.diff:
            say(visible(line))
    say(f"{result.file}: {'would be changed' if result.dry_run and result.diff else _done(result)}")
    if result.changed:
        say(f"restart {CLIENTS[result.client].title}, or reload its servers")


def _done(result: ClientFile) -> str:
    return "changed" if result.changed else "nothing to change"


@command(_show)
def install(
    home: AnyHome,
    client: ClientArgument,
    allow_writes: Annotated[
        bool, Option("--allow-writes", help="Offer tools that change the knowledge base too.")
    ] = False,
    viewer: ViewerOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> ClientFile:
    """Make an editor or agent start omni mcp for this knowledge base.

    It adds or changes only the entry of omni in the configuration file, and shows the change first.
    """
    if viewer is not None and allow_writes:
        raise ConfigurationError("a viewer cannot change the knowledge base", cure="leave out --as or --allow-writes")
    options = ["--allow-writes"] if allow_writes else [word for tag in viewer or () for word in ("--as", tag)]
    known, installation = client_named(client), _installation()
    file = known.path(_project(home), Path.home())
    change = installation.plan_install(known, file, [*_omni(), "mcp", "--home", str(home.root), *options])
    return _apply(installation, change, known.name, dry_run=dry_run, yes=yes)


@command(_show)
def uninstall(
    home: AnyHome, client: ClientArgument, dry_run: DryRunOption = False, yes: YesOption = False
) -> ClientFile:
    """Remove what omni install wrote.

    An entry that somebody changed since is not touched.
    """
    known, installation = client_named(client), _installation()
    change = installation.plan_uninstall(known, known.path(_project(home), Path.home()))
    return _apply(installation, change, known.name, dry_run=dry_run, yes=yes)


def _apply(installation: Installation, change: FileChange, client: str, *, dry_run: bool, yes: bool) -> ClientFile:
    is_changed = not change.is_none and not dry_run
    if is_changed and not yes:
        for line in change.diff:
            narrate(visible(line))
        unasked = ConfigurationError(f"{change.file} would be changed", cure="see it: --dry-run; change it: --yes")
        if not confirmed("change it?", otherwise=unasked):
            raise typer.Exit(1)
    if not dry_run:
        installation.apply(change)
    return ClientFile(client, change.file, is_changed, change.diff, dry_run)


def _installation() -> Installation:
    return Installation(user_folder() / "clients.json")


def _project(home: Home) -> Path:
    """The folder that the home is in."""
    return home.root.parent


def _omni() -> list[str]:
    """The command that starts this installation of omni from any folder, and imports nothing from there."""
    script = Path(sys.executable).with_name("omni")
    return [str(script)] if script.is_file() else [sys.executable, "-P", "-m", "omni_pipelines.cli.main"]
