"""The tools that change a knowledge base, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from omni_pipelines.knowledge.entries import read_entry
from omni_pipelines.operations.writing_tools import add_writing_tools
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
