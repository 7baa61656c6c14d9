"""`omni sessions`."""

from typing import Annotated

import orjson
from typer import Argument, Option

from omni_pipelines.agent.session import TaskSession, session_ids
from omni_pipelines.cli.command import Fields, Rows, Verbatim, command
from omni_pipelines.cli.commands.run import AnswerOption, JsonLinesOption, carry_on
from omni_pipelines.cli.dependencies import ExistingHome, HomeSettings
from omni_pipelines.cli.text import line, table
from omni_pipelines.cli.views.tasks import SessionRow, ShownSession, TakenNote, show_note, show_session
from omni_pipelines.text.engines import load_counter

IdArgument = Annotated[str, Argument(metavar="ID", help="An id from the list.")]


@command(table("id", "state", "created", "task", empty="there is no session; begin one: omni run TASK"))
def list_(home: ExistingHome) -> Rows[SessionRow]:
    """List the sessions, the newest first."""
    sessions = (TaskSession.open(home, each) for each in session_ids(home))
    return Rows("sessions", [SessionRow.of(session) for session in sessions])


@command(show_session)
def show(
    home: ExistingHome,
    session: IdArgument,
    context: Annotated[
        bool,
        Option("--context", help="Show what the language model got of each conversation that was too long for it."),
    ] = False,
) -> ShownSession:
    """Show what a session did, step by step, and what came of it."""
    return ShownSession.of(TaskSession.open(home, session), with_context=context)


@command(None)
def resume(
    home: ExistingHome,
    settings: HomeSettings,
    session: IdArgument,
    answer: AnswerOption = None,
    json: JsonLinesOption = False,
) -> None:
    """Go on with a session that was interrupted or waits for an answer."""
    carry_on(home, settings, TaskSession.open(home, session), answer or [], json=json)


@command(show_note)
def note(
    home: ExistingHome,
    settings: HomeSettings,
    session: IdArgument,
    save: Annotated[bool, Option("--save", help="Save it as a knowledge entry, for later tasks.")] = False,
) -> TakenNote:
    """Summarise a session in a note of at most 500 tokens: decisions, changes, errors, open questions."""
    from omni_pipelines.agent.note_taker import taken_note
    from omni_pipelines.operations.entry_writer import KnowledgeWriter  # loads the engines that write

    found = TaskSession.open(home, session)
    taken = taken_note(home, found, load_counter(settings).count)
    if save:
        KnowledgeWriter(home, settings).upsert(taken.entry)
    return TakenNote(session, taken, save)


@command(None)
def trace(home: ExistingHome, session: IdArgument) -> Verbatim:
    """Print a session as an OpenTelemetry trace without its texts, for a collector at /v1/traces."""
    from omni_pipelines.agent.traces import trace_of

    found = TaskSession.open(home, session)
    return Verbatim(orjson.dumps(trace_of(found.record, found.events())).decode())


@command(line("deleted: session {session}"))
def delete(home: ExistingHome, session: IdArgument) -> Fields:
    """Delete a session with everything that it recorded."""
    TaskSession.open(home, session).delete()
    return {"session": session}
