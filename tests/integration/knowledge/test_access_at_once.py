"""Who may see a source is asked at each call: open librarians, services and tools follow a change at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from pydantic import BaseModel

from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import CitationNotFound, ConfigurationError
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.librarian_tools import knowledge_catalog
from omni_pipelines.knowledge.search.documents import list_documents
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.service import LibrarianService
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.knowledge.state.access import Viewer, VisibleSources
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.sources.registry import load_sources, save_sources
from tests.integration.line import Line

STRANGER = Viewer.of(["sales"])
SECRET = "Zanzibar salaries are ninety crowns a month, said the zebra."
Call = Callable[[], object]


@pytest.fixture
def public(line: Line, tmp_path: Path) -> Line:
    """Two sources without tags."""
    for name, text in {"docs": "The canteen serves soup on Mondays.", "private": SECRET}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.md").write_text(f"# {name}\n\n{text}\n")
        line.add(tmp_path / name)
    line.run()
    return line


@pytest.fixture
def calls(public: Line) -> Iterator[dict[str, Call]]:
    """What a stranger may call who came before the change."""

    def opened() -> Librarian:
        return Librarian.open(public.home, viewer=STRANGER, embedder=public.embedder)

    librarian, tools = opened(), knowledge_catalog(public.home, viewer=STRANGER, embedder=public.embedder)
    snapshot = Snapshot.open(public.home, viewer=STRANGER)
    sql = "SELECT text FROM chunks ORDER BY text"
    with LibrarianService(opened, lambda: 1) as service:
        yield {
            **{mode: partial(librarian.search, "zanzibar salaries", mode=mode) for mode in Mode},
            "ask": lambda: librarian.ask("What are Zanzibar salaries a month?").sentences,
            "show": lambda: librarian.show("private/private.md:3").lines,
            "context": lambda: librarian.context("zanzibar salaries", 500).text,
            "service": lambda: service.call(lambda each: each.search("zanzibar salaries")),
            "search tool": lambda: tools.call("knowledge.search", {"query": "zanzibar salaries"}).data,
            "status tool": lambda: tools.call("knowledge.status", {}).data,
            "sql": lambda: run_sql(public.home, sql, viewer=STRANGER)[1].rows,
            "list": lambda: list_documents(snapshot),
        }


def as_text(value: object) -> object:
    return value.model_dump() if isinstance(value, BaseModel) else str(value)


def shows(call: Call) -> bool:
    try:
        shown = json.dumps(call(), default=as_text)
    except CitationNotFound:
        return False
    return "crowns" in shown or "private" in shown


def set_in_settings(line: Line, tags: str) -> None:
    line.home.config.write_text(f"[sources.private]\nacl = {tags}\n")


def set_in_registry(line: Line, tags: str) -> None:
    docs, private = load_sources(line.home)
    save_sources(line.home, [docs, private.model_copy(update={"acl": tuple(json.loads(tags))})])


@pytest.mark.parametrize("change", [set_in_settings, set_in_registry])
def test_tightened_access_holds_from_the_next_call_on_and_loosened_access_too(
    public: Line, calls: dict[str, Call], change: Callable[[Line, str], None]
) -> None:
    assert [name for name, call in calls.items() if not shows(call)] == []
    change(public, '["hr"]')
    assert [name for name, call in calls.items() if shows(call)] == []
    change(public, '["hr", "sales"]')
    assert [name for name, call in calls.items() if not shows(call)] == []
    change(public, '["hr"]')
    assert [name for name, call in calls.items() if shows(call)] == []


def test_a_newer_release_with_tighter_tags_holds_for_readers_of_an_older_one(
    public: Line, calls: dict[str, Call]
) -> None:
    set_in_settings(public, '["hr"]')
    public.settings = public.settings.model_copy(update={"sources": load_settings(public.home).sources})
    public.run()
    public.home.config.unlink()
    assert not any(shows(call) for call in calls.values())


def test_settings_that_cannot_be_read_show_nothing_to_an_open_reader(public: Line, calls: dict[str, Call]) -> None:
    public.home.config.write_text("[sources.private\n")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        calls["list"]()


@pytest.mark.parametrize(("seconds", "again"), [(0, True), (10, False)])
def test_the_rules_are_read_again_while_a_file_could_change_without_a_new_time(
    public: Line, seconds: int, again: bool
) -> None:
    set_in_settings(public, '["sales"]')
    release = Snapshot.open(public.home).release
    visible = VisibleSources(public.home, release, STRANGER, lambda: time.time_ns() + seconds * 1_000_000_000)
    assert (visible() is not visible()) == again
    set_in_settings(public, '["hr"]')
    assert visible() == {"docs"}
