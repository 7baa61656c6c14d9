"""Each assertion passes and fails when it should, with a helpful message.

A test checks that the table is complete: every assertion needs a row that passes and one that fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.state.releases import put_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.testing import assertions
from omni_pipelines.testing.assertions import (
    assert_abstained,
    assert_blocked,
    assert_citation,
    assert_cited,
    assert_error,
    assert_hit,
    assert_latency,
    assert_latency_async,
    assert_mcp_result,
    assert_no_hit,
    assert_partial,
    assert_publishes,
    assert_ranked,
    assert_release,
    assert_routed_to,
    assert_success,
)
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.testing.fakes import FakeClock

FILES: dict[str, str | bytes] = {
    "keys.md": "# Keys\n\nKeys are rotated with the rotate command.\nThe old key stays valid for one hour.\n",
    "page.html": "<html><body><p>Pages &amp; more are rendered by the page builder.</p></body></html>",
}


@dataclass(frozen=True)
class Sample:
    """The objects that the rows of the table check."""

    home: Home
    empty: Home
    snapshot: Snapshot
    base: KnowledgeBase
    hits: list[Hit]
    page: Hit
    answer: Answer
    abstention: Answer

    @property
    def citation(self) -> Citation:
        return self.answer.sentences[0].citations[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("world")
    base = KnowledgeBase(Home(folder / ".omni")).with_files(FILES).build()
    librarian = base.librarian()
    return Sample(
        home=base.home,
        empty=Home(folder / "empty"),
        snapshot=base.snapshot(),
        base=base,
        hits=librarian.search("keys rotated"),
        page=librarian.search("page builder", k=1)[0],
        answer=librarian.ask("How are keys rotated?"),
        abstention=librarian.ask("Who won the chess tournament in Reykjavik?"),
    )


def response(status: str, **fields: Any) -> SimpleNamespace:
    """An object with the fields of a ToolResponse."""
    return SimpleNamespace(**{"status": status, "data": None, "error_message": None, "error_code": None, **fields})


OK = response("success", data={"n": 1})
FAILED = response("error", error_code="4003", error_message="no such file; check the path")
BLOCKED = response("blocked", error_code="2006", error_message="writing is not allowed")
SOME = response("partial", data=[1], error_message="2 of 3 were read")
MCP = {"content": [{"type": "text", "text": "done"}], "structuredContent": {"n": 1}, "isError": False}
ROUTES = ["git.commit", SimpleNamespace(name="git.status"), {"tool_name": "files.read"}]


def changed(thing: Any, **fields: Any) -> Any:
    return thing.model_copy(update=fields)


def publish(world: Sample, expected: int) -> None:
    with assert_publishes(world.home, expected):
        pass


def busy(seconds: float) -> tuple[Callable[[], str], FakeClock]:
    """A function that takes this long on its own clock."""
    clock = FakeClock()

    def work() -> str:
        clock.advance(seconds)
        return "done"

    return work, clock


def latency(seconds: float) -> None:
    work, clock = busy(seconds)
    assert assert_latency(work, below=0.125, clock=clock) == "done"


def latency_async(seconds: float) -> None:
    work, clock = busy(seconds)

    async def awaitable() -> str:
        return work()

    assert assert_latency_async(awaitable, below=0.125, clock=clock) == "done"


Row = tuple[Callable[[Sample], object], str]
"""An assertion, and the message of its failure; "" if it passes."""
PASSES = ""
TABLE: dict[str, list[Row]] = {
    "assert_success": [
        (lambda w: assert_success(OK, {"n": 1}), PASSES),
        (lambda w: assert_success({"status": "success", "data": 5}), PASSES),
        (lambda w: assert_success({"status": "success", "data": None}, None), PASSES),
        (lambda w: assert_success(OK, {"n": 2}), "expected data {'n': 2}, got {'n': 1}"),
        (lambda w: assert_success(OK, None), "expected data None, got {'n': 1}"),
        (lambda w: assert_success(FAILED), "status success, got error [4003] no such file; check the"),
        (lambda w: assert_success(BLOCKED), "status success, got blocked [2006] writing is not"),
        (lambda w: assert_success(response("partial")), "expected status success, got partial"),
        (lambda w: assert_success("fine"), "got 'fine', which is not a response"),
        (lambda w: assert_success(response("ok")), "which is not a response"),
        (lambda w: assert_success(response("success", error_code="1001")), "without error_code"),
        (lambda w: assert_success(response("success", error_message="x")), "without error_message"),
    ],
    "assert_partial": [
        (lambda w: assert_partial(response("partial", data=[1]), [1]), PASSES),
        (lambda w: assert_partial(SOME, [1], "2 of 3"), PASSES),
        (lambda w: assert_partial(SOME, message="all"), "expected 'all' in the message, got 2 of 3 were read"),
        (lambda w: assert_partial(OK), "expected status partial, got success"),
        (lambda w: assert_partial(response("partial", data=[1]), []), "expected data [], got [1]"),
    ],
    "assert_error": [
        (lambda w: assert_error(FAILED, "4003", "no such file"), PASSES),
        (lambda w: assert_error(FAILED), PASSES),
        (lambda w: assert_error(OK), "expected status error, got success"),
        (lambda w: assert_error(BLOCKED), "expected status error, got blocked"),
        (lambda w: assert_error(FAILED, "3001"), "error code 3001, got 4003: no such file"),
        (lambda w: assert_error(FAILED, message="disk"), "'disk' in the message, got no such file"),
        (lambda w: assert_error(response("error", error_message="x")), "a numeric error code, got None"),
        (lambda w: assert_error(response("error", error_code="E_BAD")), "a numeric error code, got E_BAD"),
    ],
    "assert_blocked": [
        (lambda w: assert_blocked(BLOCKED, "2006", "not allowed"), PASSES),
        (lambda w: assert_blocked(FAILED), "expected status blocked, got error [4003]"),
        (lambda w: assert_blocked(BLOCKED, "2002"), "expected error code 2002, got 2006"),
        (lambda w: assert_blocked(response("blocked")), "a numeric error code"),
    ],
    "assert_mcp_result": [
        (lambda w: assert_mcp_result(MCP), PASSES),
        (lambda w: assert_mcp_result({**MCP, "isError": True}, is_error=True), PASSES),
        (lambda w: assert_mcp_result({**MCP, "isError": True}), "isError False, got isError True: done"),
        (lambda w: assert_mcp_result(MCP, is_error=True), "isError True, got isError False"),
        (lambda w: assert_mcp_result({**MCP, "isError": None}), "got isError None"),
        (lambda w: assert_mcp_result({**MCP, "content": []}), "at least one content, got []"),
        (lambda w: assert_mcp_result({**MCP, "content": "done"}), "at least one content, got done"),
        (lambda w: assert_mcp_result({**MCP, "content": ["done"]}), "content of the form"),
        (lambda w: assert_mcp_result({**MCP, "content": [{"type": "text"}]}), "content of the form"),
        (lambda w: assert_mcp_result({**MCP, "structuredContent": None}), "as a mapping, got None"),
        (lambda w: assert_mcp_result({**MCP, "structuredContent": {"x": {1}}}), "a result that is JSON"),
        (lambda w: assert_mcp_result("done"), "an MCP result as a mapping, got done"),
    ],
    "assert_routed_to": [
        (lambda w: assert_routed_to(ROUTES, "git.commit"), PASSES),
        (lambda w: assert_routed_to(ROUTES, "files.read", within=3), PASSES),
        (lambda w: assert_routed_to(ROUTES, "git.status"), "git.status within the first 1, got"),
        (lambda w: assert_routed_to(ROUTES, "files.read", within=2), "; it is number 3"),
        (lambda w: assert_routed_to(ROUTES, "git.push", within=9), "; it is not among the routes"),
        (lambda w: assert_routed_to([], "git.push"), "got []; it is not among the routes"),
    ],
    "assert_hit": [
        (lambda w: assert_hit(w.hits, "keys.md", text="rotate command", within=1), PASSES),
        (lambda w: assert_hit(w.hits, "other.md"), "a hit in other.md, got ['1. keys.md:"),
        (lambda w: assert_hit(w.hits, "keys.md", text="nothing"), "a hit in keys.md with 'nothing', got"),
        (lambda w: assert_hit(w.hits[::-1], "keys.md", within=1), "in keys.md within the first 1, got"),
        (lambda w: assert_hit([], "keys.md"), "got no hits"),
    ],
    "assert_no_hit": [
        (lambda w: assert_no_hit(w.hits, "other.md"), PASSES),
        (lambda w: assert_no_hit(w.hits, "keys.md"), "no hit in keys.md, got keys.md:"),
    ],
    "assert_ranked": [
        (lambda w: assert_ranked(w.hits), PASSES),
        (lambda w: assert_ranked([]), PASSES),
        (lambda w: assert_ranked(w.hits[::-1]), "expected ranks from 1 to 2, got [2, 1]"),
        (lambda w: assert_ranked([changed(w.hits[0], score=0.0), w.hits[1]]), "scores that never increase"),
        (lambda w: assert_ranked([w.hits[0], changed(w.hits[0], rank=2)]), "every chunk once, got"),
    ],
    "assert_citation": [
        (lambda w: assert_citation(w.citation), PASSES),
        (lambda w: assert_citation(w.hits[0]), PASSES),
        (lambda w: assert_citation(w.page, w.snapshot), PASSES),
        (lambda w: assert_citation(w.page), "a snapshot with the text of page.html"),
        (lambda w: assert_citation(changed(w.page, text="lies"), w.snapshot), "expected 'lies' at page"),
        (lambda w: assert_citation(changed(w.page, uri="file:///x"), w.snapshot), "got no such document"),
        (lambda w: assert_citation(changed(w.citation, quote="Keys vanish.")), "'Keys vanish.' at keys.md"),
        (lambda w: assert_citation(changed(w.citation, quote="")), "a quote from keys.md bytes"),
        (lambda w: assert_citation(changed(w.citation, start_byte=0)), "at keys.md bytes 0-"),
        (lambda w: assert_citation(changed(w.citation, start_line=1)), "expected lines 3-4 of keys.md, got 1-4"),
        (lambda w: assert_citation(changed(w.citation, end_line=9)), "expected lines 3-4 of keys.md, got 3-9"),
        (lambda w: assert_citation(changed(w.citation, uri="file:///gone")), "the file file:///gone, got"),
    ],
    "assert_cited": [
        (lambda w: assert_cited(w.answer), PASSES),
        (lambda w: assert_cited(w.abstention), "an answer, got an abstention (evidence"),
        (lambda w: assert_cited(uncited(w.answer)), "a citation for every sentence, got none for"),
        (lambda w: assert_cited(miscited(w.answer)), "expected 'Made up.' at keys.md bytes"),
    ],
    "assert_abstained": [
        (lambda w: assert_abstained(w.abstention), PASSES),
        (lambda w: assert_abstained(w.answer), "an abstention, got 'Keys are rotated"),
        (lambda w: assert_abstained(changed(w.answer, abstained=True)), "an abstention, got 'Keys are"),
    ],
    "assert_release": [
        (lambda w: assert_release(w.home), PASSES),
        (lambda w: assert_release(w.home, 1, documents=2), PASSES),
        (lambda w: assert_release(w.home, 2), "expected release 2, got 1"),
        (lambda w: assert_release(w.home, documents=3), "3 rows in documents, got 2"),
        (lambda w: assert_release(w.home, pages=3), "3 rows in pages, got no such table among ['chunks'"),
        (lambda w: assert_release(w.empty), "expected a release in "),
    ],
    "assert_publishes": [
        (lambda w: publish(w, 0), PASSES),
        (lambda w: publish(w, 1), "expected 1 new releases, got 0"),
    ],
    "assert_latency": [
        (lambda w: latency(0.0625), PASSES),
        (lambda w: latency(0.125), "less than 0.125 s CPU, got 0.125 s, the median of 5 runs"),
    ],
    "assert_latency_async": [
        (lambda w: latency_async(0.0625), PASSES),
        (lambda w: latency_async(0.25), "less than 0.125 s CPU, got 0.25 s"),
    ],
}


def uncited(answer: Answer) -> Any:
    return changed(answer, sentences=(changed(answer.sentences[0], citations=()),))


def miscited(answer: Answer) -> Any:
    sentence = answer.sentences[0]
    return changed(
        answer, sentences=(changed(sentence, citations=(changed(sentence.citations[0], quote="Made up."),)),)
    )


ROWS = [
    pytest.param(*row, id=f"{helper} {'fails' if row[1] else 'passes'} {at}")
    for helper, rows in TABLE.items()
    for at, row in enumerate(rows, 1)
]


@pytest.mark.parametrize(("call", "message"), ROWS)
def test_assertion_passes_or_fails_with_its_message(
    world: Sample, call: Callable[[Sample], object], message: str
) -> None:
    if message == PASSES:
        call(world)
    else:
        with pytest.raises(AssertionError) as caught:
            call(world)
        assert message in str(caught.value)
        assert str(caught.value).startswith("expected ")


def test_every_assertion_has_a_passing_and_a_failing_row() -> None:
    helpers = {name for name in vars(assertions) if name.startswith("assert_")}
    assert set(TABLE) == helpers
    assert [name for name, rows in TABLE.items() if {bool(message) for _, message in rows} != {True, False}] == []


def test_assert_release_fails_for_a_missing_index(tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / ".omni")).with_files(FILES).build()
    for path in (base.home.keyword / base.release.keyword.generation).iterdir():
        path.unlink()
    with pytest.raises(AssertionError, match="expected release 1 to open, got IndexMissing"):
        assert_release(base.home)


def test_assert_release_fails_for_an_incomplete_index(tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / ".omni")).with_files(FILES).build()
    short = changed(base.release, release=2, keyword=changed(base.release.keyword, entries=1))
    assert put_release(base.home, short)
    with pytest.raises(AssertionError, match=r"expected complete indexes, got \{'keyword': 0"):
        assert_release(base.home)


def test_long_value_is_shortened_in_the_message() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_success(response("success", data="x" * 10_000), "y")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("optimized", [[], ["-O"]])
def test_pytest_shows_the_failing_line_and_hides_the_helper(
    empty_project: pytest.Pytester, optimized: list[str]
) -> None:
    empty_project.makepyfile(
        "from omni_pipelines.testing.assertions import assert_success\n"
        "def test_it():\n"
        "    assert_success({'status': 'error', 'error_code': '4003', 'error_message': 'gone'})\n"
    )
    result = empty_project.run(sys.executable, *optimized, "-m", "pytest")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [">*assert_success({'status': 'error'*", "E*expected status success, got error [[]4003] gone"]
    )
    assert "_fail(" not in result.stdout.str()
