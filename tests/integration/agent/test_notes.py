"""The note of a session is found by the next one."""

from __future__ import annotations

from omni_pipelines.agent.gated_tools import gated_tools
from omni_pipelines.agent.note_taker import taken_note
from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.operations.entry_writer import KnowledgeWriter
from omni_pipelines.testing.fakes import ScriptedModel, ScriptedReply
from omni_pipelines.tools.catalog import ToolCatalog
from tests.agent_task import NewTask, Task
from tests.scripted_tasks import CLEAR, GOOD, call, done, planned, says

LEARNED = "the harbour closes at nine"


def test_note_of_a_session_is_told_to_the_model_of_the_next_one(new_task: NewTask, home: Home) -> None:
    def begun(text: str, *replies: ScriptedReply) -> tuple[Task, ScriptedModel]:
        model = ScriptedModel(replies)
        task = new_task(ToolCatalog(), text, model=model)
        task.open_tools = lambda session, approver: gated_tools(home, session, approver)
        return task, model

    look = planned(("look", "notes.find")), call("notes.find", query="harbour"), done(LEARNED), GOOD
    first, _ = begun("when does the harbour close?", CLEAR, *look, says(("nothing", [1])))
    assert first.run().outcome == "done"
    KnowledgeWriter(home, load_settings(home)).upsert(taken_note(home, first.session, len).entry)
    second, model = begun("write about the harbour", CLEAR, planned(("write", "files.write")))
    second.run("n")
    told = "\n".join(message.content for message in model.calls[0].messages)
    assert "Notes of earlier sessions" in told
    assert LEARNED in told
