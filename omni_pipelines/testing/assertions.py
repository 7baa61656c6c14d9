"""Assertions on what tools, searches, answers and releases give. Each says what was expected and what was there.

They raise AssertionError themselves, so they hold under `python -O` and outside of pytest as well.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from omni_pipelines.home import Home
    from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
    from omni_pipelines.knowledge.search.hits import Hit
    from omni_pipelines.knowledge.state.snapshot import Snapshot
    from omni_pipelines.records import Release

Result = TypeVar("Result")
ANYTHING: Any = object()
"""Stands for whatever is there."""
STATUSES = ("success", "error", "blocked", "partial")
_MAX_LENGTH = 400


def _fail(expected: str, got: object) -> NoReturn:
    __tracebackhide__ = True
    shown = got if isinstance(got, str) else repr(got)
    cut = shown if len(shown) <= _MAX_LENGTH else f"{shown[:_MAX_LENGTH]}…"
    raise AssertionError(f"expected {expected}, got {cut}")


# --- tool responses -------------------------------------------------------------------------------------------------


def assert_success(response: Any, data: Any = ANYTHING) -> Any:
    """A ToolResponse, or its JSON form, that succeeded, with this data where it is given. Returns the data."""
    __tracebackhide__ = True
    _assert_status(response, "success")
    for name in ("error_message", "error_code"):
        if _field(response, name) is not None:
            _fail(f"a success without {name}", _field(response, name))
    return _assert_data(response, data)


def assert_partial(response: Any, data: Any = ANYTHING, message: str = "") -> Any:
    """A response that gave some of what was asked for, with this in its message. Returns the data."""
    __tracebackhide__ = True
    _assert_status(response, "partial")
    _assert_message(response, message)
    return _assert_data(response, data)


def assert_error(response: Any, code: str | None = None, message: str = "") -> None:
    """A response that failed, with this numbered code, and with this in its message."""
    __tracebackhide__ = True
    _assert_failed(response, "error", code, message)


def assert_blocked(response: Any, code: str | None = None, message: str = "") -> None:
    """A response to a call that was not allowed, with this numbered code, and with this in its message."""
    __tracebackhide__ = True
    _assert_failed(response, "blocked", code, message)


def assert_mcp_result(result: Any, *, is_error: bool = False) -> None:
    """A valid result of an MCP tool: text, structured content, and `isError` as expected."""
    __tracebackhide__ = True
    if not isinstance(result, Mapping):
        _fail("an MCP result as a mapping", result)
    content = result.get("content")
    if not isinstance(content, list) or not content:
        _fail("a list of at least one content", content)
    for each in content:
        if not isinstance(each, Mapping) or each.get("type") != "text" or not isinstance(each.get("text"), str):
            _fail("content of the form {'type': 'text', 'text': …}", each)
    if not isinstance(result.get("structuredContent"), Mapping):
        _fail("structuredContent as a mapping", result.get("structuredContent"))
    if result.get("isError") is not is_error:
        _fail(f"isError {is_error}", f"isError {result.get('isError')!r}: {content[0]['text']}")
    try:
        json.dumps(result)
    except (TypeError, ValueError) as error:
        _fail("a result that is JSON", f"{error}")


def _field(response: Any, name: str) -> Any:
    return response.get(name) if isinstance(response, Mapping) else getattr(response, name, None)


def _assert_status(response: Any, expected: str) -> None:
    __tracebackhide__ = True
    status = _field(response, "status")
    if status not in STATUSES:
        _fail(f"a response with status {expected}", f"{response!r}, which is no response")
    if status != expected:
        code, message = _field(response, "error_code"), _field(response, "error_message")
        _fail(f"status {expected}", f"{status}" + (f" [{code}] {message}" if message else ""))


def _assert_data(response: Any, expected: Any) -> Any:
    __tracebackhide__ = True
    data = _field(response, "data")
    if expected is not ANYTHING and data != expected:
        _fail(f"data {expected!r}", data)
    return data


def _assert_failed(response: Any, status: str, code: str | None, message: str) -> None:
    __tracebackhide__ = True
    _assert_status(response, status)
    got = _field(response, "error_code")
    if not got or not str(got).isdigit():
        _fail("a numbered error code", got)
    if code is not None and str(got) != str(code):
        _fail(f"error code {code}", f"{got}: {_field(response, 'error_message')}")
    _assert_message(response, message)


def _assert_message(response: Any, message: str) -> None:
    __tracebackhide__ = True
    if message not in str(_field(response, "error_message")):
        _fail(f"{message!r} in the message", _field(response, "error_message"))


# --- routes ---------------------------------------------------------------------------------------------------------


def assert_routed_to(routes: Sequence[Any], name: str, *, within: int = 1) -> None:
    """A tool stands among the first `within` of ranked routes: names, or things with a name, best first."""
    __tracebackhide__ = True
    names = [_route_name(route) for route in routes]
    if name not in names[:within]:
        place = f"it stands at {names.index(name) + 1}" if name in names else "it is nowhere"
        _fail(f"a route to {name} within the first {within}", f"{names[: max(within, 5)]}; {place}")


def _route_name(route: Any) -> str:
    if isinstance(route, str):
        return route
    found = next((value for key in ("tool_name", "tool", "name") if (value := _field(route, key))), None)
    return str(found) if found else repr(route)


# --- hits, citations, answers ---------------------------------------------------------------------------------------


def assert_hit(hits: Sequence[Hit], path: str, *, text: str = "", within: int | None = None) -> Hit:
    """A hit in the file `path`, with `text` in it, among the first `within`. Returns it."""
    __tracebackhide__ = True
    looked_at = hits[:within]
    for hit in looked_at:
        if hit.path == path and text in hit.text:
            return hit
    what = (
        f"a hit in {path}" + (f" with {text!r}" if text else "") + (f" within the first {within}" if within else "")
    )
    _fail(what, [f"{hit.rank}. {hit.path}:{hit.start_line}-{hit.end_line}" for hit in hits] or "no hits")


def assert_no_hit(hits: Sequence[Hit], path: str) -> None:
    """No hit in the file `path`."""
    __tracebackhide__ = True
    found = [hit for hit in hits if hit.path == path]
    if found:
        _fail(f"no hit in {path}", f"{path}:{found[0].start_line}-{found[0].end_line} at {found[0].rank}")


def assert_ranked(hits: Sequence[Hit]) -> None:
    """Ranks count from 1, scores never rise, and no chunk stands there twice."""
    __tracebackhide__ = True
    ranks, scores = [hit.rank for hit in hits], [hit.score for hit in hits]
    if ranks != list(range(1, len(hits) + 1)):
        _fail(f"ranks from 1 to {len(hits)}", ranks)
    if any(later > earlier for earlier, later in itertools.pairwise(scores)):
        _fail("scores that never rise", scores)
    chunks = [hit.chunk_id for hit in hits]
    twice = [chunk for chunk in chunks if chunks.count(chunk) > 1]
    if twice:
        _fail("every chunk once", f"{twice[0]} {chunks.count(twice[0])} times")


def assert_citation(citation: Citation | Hit, snapshot: Snapshot | None = None) -> None:
    """The quote stands at its bytes and lines. Where a reader changed the text (HTML …), `snapshot` has that text."""
    __tracebackhide__ = True
    quote = str(getattr(citation, "quote", None) or getattr(citation, "text", ""))
    place = f"{citation.path} bytes {citation.start_byte}-{citation.end_byte}"
    if not quote:
        _fail(f"a quote from {place}", "an empty one")
    raw = _raw(citation, snapshot)
    encoding = citation.encoding if citation.verbatim else "utf-8"
    stands_there = raw[citation.start_byte : citation.end_byte].decode(encoding, "replace")
    if stands_there != quote:
        _fail(f"{quote!r} at {place}", stands_there)
    if citation.verbatim:
        _assert_lines(citation, raw[: citation.start_byte].decode(encoding, "replace"), quote)


def _raw(citation: Citation | Hit, snapshot: Snapshot | None) -> bytes:
    __tracebackhide__ = True
    if citation.verbatim:
        from omni_pipelines.knowledge.search.citations import file_of

        try:
            return file_of(citation.uri).read_bytes()
        except OSError as error:
            _fail(f"the file {citation.uri}", f"{error.strerror}")
    if snapshot is None:
        _fail(f"a snapshot to look {citation.path} up in, for its text is not the file's", "none")
    documents = [row["doc_id"] for row in snapshot.document_names() if row["uri"] == citation.uri]
    row = snapshot.document(documents[0]) if documents else None
    if row is None:
        _fail(f"{citation.uri} in release {snapshot.release.release}", "no such document")
    return str(row["text"]).encode()


def _assert_lines(citation: Citation | Hit, before: str, quote: str) -> None:
    from omni_pipelines.text.decoding import newline_offsets

    __tracebackhide__ = True
    first = 1 + len(newline_offsets(before))
    last = first + len(newline_offsets(quote[:-1]))
    if (citation.start_line, citation.end_line) != (first, last):
        _fail(f"lines {first}-{last} of {citation.path}", f"{citation.start_line}-{citation.end_line}")


def assert_cited(answer: Answer, snapshot: Snapshot | None = None) -> None:
    """An answer each sentence of which rests on quotes that stand where they say."""
    __tracebackhide__ = True
    if answer.abstained or not answer.sentences:
        _fail("an answer", f"an abstention (evidence {answer.evidence})")
    for sentence in answer.sentences:
        if not sentence.citations:
            _fail("a citation for every sentence", f"none for {sentence.text!r}")
        for citation in sentence.citations:
            assert_citation(citation, snapshot)


def assert_abstained(answer: Answer) -> None:
    """No answer: the evidence is too weak, and nothing is said."""
    __tracebackhide__ = True
    if not answer.abstained or answer.answer or answer.sentences:
        _fail("an abstention", f"{answer.answer!r} (evidence {answer.evidence})")


# --- releases -------------------------------------------------------------------------------------------------------


def assert_release(home: Home, number: int | None = None, **counts: int) -> Release:
    """The newest release is `number`, opens, is indexed completely, and its tables have so many rows. Returns it."""
    from native.errors import EngineError
    from omni_pipelines.knowledge.state.releases import newest_release
    from omni_pipelines.knowledge.state.snapshot import Snapshot
    from omni_pipelines.knowledge.state.status import status

    __tracebackhide__ = True
    release = newest_release(home)
    if release is None:
        _fail(f"a release in {home.root}", "none")
    if number is not None and release.release != number:
        _fail(f"release {number}", release.release)
    for table, rows in counts.items():
        if release.counts.get(table) != rows:
            _fail(
                f"{rows} rows in {table}", release.counts.get(table, f"no such table among {sorted(release.counts)}")
            )
    incomplete = {name: each.share for name, each in status(home).coverage.items() if each.share != 1.0}
    if incomplete:
        _fail("complete indexes", incomplete)
    try:
        Snapshot.open(home, release.release)
    except EngineError as error:
        _fail(f"release {release.release} to open", f"{type(error).__name__}: {error}")
    return release


@contextmanager
def assert_publishes(home: Home, releases: int = 1) -> Generator[None]:
    """The block publishes so many releases; with 0, none: what is shown stays as it is."""
    from omni_pipelines.knowledge.state.releases import newest_release

    __tracebackhide__ = True
    before = newest_release(home)
    yield
    after = newest_release(home)
    made = (after.release if after else 0) - (before.release if before else 0)
    if made != releases:
        _fail(f"{releases} new releases", made)


# --- time -----------------------------------------------------------------------------------------------------------


def assert_latency(
    function: Callable[[], Result],
    *,
    below: float,
    runs: int = 5,
    clock: Callable[[], float] = time.process_time,
) -> Result:
    """The median CPU time of a call, in seconds, over `runs` after one to warm up. Returns what the last call gave.

    CPU time, so that a busy machine does not fail the test; waiting costs nothing, and other threads do.
    """
    __tracebackhide__ = True
    result = function()
    taken = []
    for _ in range(runs):
        began = clock()
        result = function()
        taken.append(clock() - began)
    if statistics.median(taken) >= below:
        _fail(f"less than {below:g} s CPU", f"{statistics.median(taken):.4g} s, the median of {runs} runs")
    return result


def assert_latency_async(
    function: Callable[[], Awaitable[Result]],
    *,
    below: float,
    runs: int = 5,
    clock: Callable[[], float] = time.process_time,
) -> Result:
    """`assert_latency` for a coroutine function; it starts an event loop of its own."""
    __tracebackhide__ = True
    with asyncio.Runner() as runner:

        async def call() -> Result:
            return await function()

        return assert_latency(lambda: runner.run(call()), below=below, runs=runs, clock=clock)
