"""Notes of sessions: short, and with the facts that count."""

from __future__ import annotations

from omni_pipelines.agent.note_taker import MAX_TOKENS
from omni_pipelines.agent.task_events import PersonAsked, TaskStarted, ToolEnded, ToolStarted
from omni_pipelines.events import Payload
from tests.labelled_sessions import count, labelled_sessions, missing, recorded, taker

SESSIONS = labelled_sessions()
LEAST_KEPT = 0.9


def test_notes_of_twenty_labelled_sessions_keep_nine_of_ten_facts_in_500_tokens() -> None:
    assert len(SESSIONS) == 20
    facts = sum(len(session.facts) for session in SESSIONS)
    lost = {session.task: lost for session in SESSIONS if (lost := missing(session))}
    assert facts > 100
    assert min(count(recorded(session)) for session in SESSIONS) >= 4_000
    assert 1 - sum(map(len, lost.values())) / facts >= LEAST_KEPT, lost
    assert max(taker().distill(session.events).tokens for session in SESSIONS) <= MAX_TOKENS


def test_note_of_a_long_session_is_within_its_tokens_and_keeps_decisions_and_changes_first() -> None:
    events: list[Payload] = [TaskStarted(task="a long task", release=1, model="m")]
    for number in range(300):
        events += [
            ToolStarted(step="1", tool="net.fetch", arguments={"url": f"x{number}"}),
            ToolEnded(step="1", tool="net.fetch", status="error", output="0" * 64, message=f"failure {number} " * 20),
        ]
    events += [
        ToolStarted(step="2", tool="files.write", arguments={"path": "the-only-change.txt"}),
        ToolEnded(step="2", tool="files.write", status="success", output="0" * 64),
        PersonAsked(kind="clarify", question="still open?"),
    ]
    note = taker().distill(events)
    assert note.tokens <= MAX_TOKENS
    assert count(note.text) == note.tokens
    assert "the-only-change.txt" in note.text


def test_reading_is_no_fact() -> None:
    events: list[Payload] = [
        TaskStarted(task="look", release=1, model="m"),
        ToolStarted(step="1", tool="files.read", arguments={"path": "a"}),
        ToolEnded(step="1", tool="files.read", status="success", output="0" * 64),
    ]
    assert taker().distill(events).text == "# look\n"
