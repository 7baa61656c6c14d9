"""The tools that change a knowledge base, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from omni_pipelines.knowledge.entries import read_entry
from omni_pipelines.operations.writing_tools import _report, add_writing_tools
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.threads import Cancellation
from omni_pipelines.tools.catalog import ToolCatalog

FILES = {"a.md": "# First\n\nThe heron stands in cold water.\n"}


def tools_of(base: KnowledgeBase) -> ToolCatalog:
    catalog = ToolCatalog()
    add_writing_tools(catalog, base.home)
    return catalog


def test_an_entry_is_written_with_its_title_and_text_as_they_are(
    make_knowledge_base: Callable[..., KnowledgeBase],
) -> None:
    base = make_knowledge_base(FILES)
    given = {"title": "--home /etc", "text": "- a list\n- `rm`", "category": "techniques"}
    response = tools_of(base).call("knowledge.add_entry", given)
    assert response.is_success, response.error_message
    entry = read_entry(base.home, response.data["entry"]["id"])
    assert (entry.title, entry.content.strip(), entry.category) == ("--home /etc", "- a list\n- `rm`", "techniques")


def test_the_error_of_a_process_is_the_response(make_knowledge_base: Callable[..., KnowledgeBase]) -> None:
    response = tools_of(make_knowledge_base(FILES)).call("knowledge.rollback", {"release": 9})
    assert response.error_code == "1001"
    assert "no release 9" in str(response.error_message)
    assert response.metadata["cure"] == "see: omni releases list"


def test_a_cancelled_call_ends_its_process(make_knowledge_base: Callable[..., KnowledgeBase]) -> None:
    base, cancellation = make_knowledge_base(FILES), Cancellation()
    cancellation.set()
    with cancellation.applied():
        response = tools_of(base).call("knowledge.ingest", {})
    assert response.is_error
    assert "cancelled" in str(response.error_message)
    assert not base.home.writer.exists()


def test_the_report_of_a_task_is_its_output_with_the_session() -> None:
    response = _report(b"Thirty days [1].\n", b"session 20260101-000000-abcd\n2 calls of tools, 0 tokens\n")
    assert response.data == {"report": "Thirty days [1].", "session": "20260101-000000-abcd"}


def test_a_failed_task_has_code_and_cure() -> None:
    told = b"session 20260101-000000-abcd\nomni: the sources do not answer it [7001]\n      cure: rephrase it\n"
    response = _report(b"A report of what was found.\n", told)
    assert (response.error_code, response.error_message) == ("7001", "the sources do not answer it")
    assert response.metadata == {"session": "20260101-000000-abcd", "cure": "rephrase it"}


def test_a_command_that_died_says_its_last_lines() -> None:
    assert "no such option" in (_report(b"", b"no such option\n").error_message or "")
