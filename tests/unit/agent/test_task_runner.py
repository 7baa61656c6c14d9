"""A task without a language model: questions, answers, no answers, and what is recorded of them."""

from __future__ import annotations

import orjson
import pytest
from langsmith.utils import tracing_is_enabled

from omni_pipelines.agent.session import SessionBusy, TaskSession
from omni_pipelines.agent.task_graph import StrictJson
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.records import Event
from omni_pipelines.threads import CallCancelled, Cancellation
from tests.agent_task import SECRET_WORDS, Library, NewTask


def test_question_ends_in_a_cited_answer(new_task: NewTask) -> None:
    task = new_task(Library().catalog, "When are the keys rotated?")
    result = task.run()
    assert (result.outcome, result.problem, result.calls) == ("done", None, 1)
    assert result.report.answer is not None
    assert result.report.answer.sentences[0].citations[0].citation == "docs/keys.md:1"
    assert task.nodes == "discover recall clarify plan review act act act validate summarize".split()
    assert task.topics("phase", "task") == [
        "agent/task/started",
        *["agent/phase"] * 5,
        "agent/task/ended",
    ]
    assert [event.sequence for event in task.heard] == list(range(1, len(task.heard) + 1))
    assert task.heard == task.session.events()
    assert task.session.state == "done"


def test_several_questions_are_several_steps_of_one_answer(new_task: NewTask) -> None:
    library = Library()
    result = new_task(library.catalog, "When are keys rotated? Where are keys kept?").run()
    assert library.calls == ["When are keys rotated?", "Where are keys kept?"]
    assert result.report.answer is not None
    assert len(result.report.answer.sentences) == 2


def test_task_that_the_sources_do_not_answer_fails_with_the_nearest_passages(new_task: NewTask) -> None:
    result = new_task(Library().catalog, "What is the capital of France?").run()
    assert result.problem is not None
    assert (result.outcome, result.problem.code) == ("failed", "7001")
    assert [cited.quote for cited in result.report.nearest] == ["near it"]
    assert [step.status for step in result.steps] == ["failed"]


@pytest.mark.parametrize(
    "task", ["fix the bug", "Please summarize the keys", "find the keys, then delete them", "Can you write a test?"]
)
def test_task_that_needs_a_model_says_how_to_set_one_and_calls_nothing(new_task: NewTask, task: str) -> None:
    library = Library()
    result = new_task(library.catalog, task).run()
    assert result.problem is not None
    assert result.problem.code == "3006"
    assert "OMNI_LLM_URL" in result.problem.cure
    assert library.calls == []


@pytest.mark.parametrize("task", ["How do I write a key?", "key rotation", "show the keys and their owners"])
def test_task_that_asks_for_knowledge_needs_no_model(new_task: NewTask, task: str) -> None:
    assert new_task(Library().catalog, task).run().outcome == "done"


def test_call_that_fails_for_the_moment_is_repeated(new_task: NewTask) -> None:
    library = Library(failures=2)
    assert new_task(library.catalog, "Where are the keys?").run().outcome == "done"
    assert len(library.calls) == 3


def test_ended_session_does_not_go_on(new_task: NewTask) -> None:
    task = new_task(Library().catalog, "Where are the keys?")
    task.run()
    with pytest.raises(ConfigurationError, match="has ended"):
        task.run()


def test_session_has_one_owner(new_task: NewTask) -> None:
    task = new_task(Library().catalog, "Where are the keys?")
    with task.session.owned():
        assert task.session.state == "running"
        with pytest.raises(SessionBusy):
            TaskSession(task.session.folder).delete()
        with pytest.raises(SessionBusy):
            task.run()


def test_checkpoints_hold_references_and_no_texts(new_task: NewTask) -> None:
    task = new_task(Library().catalog, "Where are the keys?")
    result = task.run()
    content = task.session.checkpoints_file.read_bytes()
    assert SECRET_WORDS.encode() not in content
    assert result.steps[0].calls[0].output.encode() in content
    assert SECRET_WORDS in task.session.text(result.steps[0].calls[0].output)


def test_checkpoint_of_another_kind_is_refused() -> None:
    serializer = StrictJson()
    assert serializer.loads_typed(serializer.dumps_typed({"a": [1, None]})) == {"a": [1, None]}
    with pytest.raises(ConfigurationError, match="msgpack"):
        serializer.loads_typed(("msgpack", b"\x80"))
    with pytest.raises(TypeError):
        serializer.dumps_typed({"a": object()})


def test_changed_text_of_a_session_is_not_read(new_task: NewTask) -> None:
    session = new_task(Library().catalog, "Where?").session
    name = session.keep("what a tool said")
    (session.folder / "texts" / name).write_text("something else")
    with pytest.raises(ConfigurationError, match="changed"):
        session.text(name)
    with pytest.raises(ConfigurationError, match="is missing or was changed"):
        session.text("../task.json")


def test_record_of_a_session_is_one_json_line_per_event(new_task: NewTask) -> None:
    task = new_task(Library().catalog, "Where are the keys?")
    task.run()
    lines = task.session.events_file.read_bytes().splitlines()
    assert [orjson.loads(line)["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    parents = {orjson.loads(line)["parent_id"] for line in lines if b"agent/tool/started" in line}
    assert all(parent.startswith("act-") for parent in parents)


def test_task_sends_no_traces_whatever_the_environment_asks_for(
    new_task: NewTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    assert tracing_is_enabled()
    library, during = Library(), []
    catalog = library.catalog
    task = new_task(catalog, "Where are the keys?")
    listen = task.heard.append

    def note(event: Event) -> None:
        during.append(tracing_is_enabled())
        listen(event)

    task.listener = note
    assert task.run().outcome == "done"
    assert during.count(True) == 2, "only the start and the end of the task are outside of the graph"


def test_cancelled_task_stays_at_its_last_checkpoint_and_goes_on_when_it_is_resumed(new_task: NewTask) -> None:
    cancellation, library = Cancellation(), Library()
    task = new_task(library.catalog, "When are the keys rotated?")
    task.listener = lambda event: cancellation.set() if event.topic == "agent/plan" else None
    with cancellation.applied(), pytest.raises(CallCancelled):
        task.run()
    assert (task.session.state, library.calls) == ("interrupted", [])
    assert task.run().outcome == "done"
