"""`omni replay`."""

from typing import Annotated

from typer import Argument

from omni_pipelines.agent.gated_tools import gated_tools
from omni_pipelines.agent.release_comparison import ComparedCall, compare_releases
from omni_pipelines.agent.replay import ReplayResult, replay_session
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_setup import reasoner_of
from omni_pipelines.cli.command import Result, Rows, command
from omni_pipelines.cli.dependencies import ExistingHome, HomeSettings
from omni_pipelines.cli.release_options import ReleaseOption
from omni_pipelines.cli.views.tasks import show_replay
from omni_pipelines.errors import NotVerified
from omni_pipelines.knowledge.state.releases import require_release


@command(show_replay)
def replay(
    home: ExistingHome,
    settings: HomeSettings,
    session: Annotated[str, Argument(metavar="ID", help="A session that has ended.")],
    release: ReleaseOption = None,
) -> Result[ReplayResult | Rows[ComparedCall]]:
    """Run a session again from its records, or compare what it found with another release.

    Without --release, no tool, model or person is asked: the events must be those that were recorded, bit for bit.
    With it, the calls to the knowledge base are made again with that release.
    """
    found = TaskSession.open(home, session)
    if release is not None:
        require_release(home, release)
        calls = compare_releases(home, found, release)
        return Result(Rows("calls", calls, session=session, release=release))
    tools = gated_tools(home, found)
    result = replay_session(
        found, tools, lambda of, journal, spending, ask: reasoner_of(settings, of, journal, spending, ask)
    )
    differs = NotVerified(
        f"the replay differs from the record: {result.difference[:400]}",
        cure="the code or the settings are others than those of the task; replay it with those",
    )
    return Result(result, error=None if result.is_identical else differs)
