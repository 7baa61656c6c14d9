"""Assertions about tool responses, search hits, answers and releases; each failure shows expected and actual values.

They raise AssertionError themselves, so they also work under `python -O` and outside pytest.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from omni_pipelines.home import Home
    from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
    from omni_pipelines.knowledge.search.hits import Hit
    from omni_pipelines.knowledge.state.snapshot import Snapshot
    from omni_pipelines.records import Release

Result = TypeVar("Result")
__tracebackhide__ = True
"""Pytest leaves the functions of this module out of tracebacks."""
ANY_DATA = object()
"""The default of `data`: any data is accepted."""
_MAX_MESSAGE_LENGTH = 400


def _fail(expected: str, got: object) -> NoReturn:
    shown = got if isinstance(got, str) else repr(got)
    end = "…" if len(shown) > _MAX_MESSAGE_LENGTH else ""
    raise AssertionError(f"expected {expected}, got {shown[:_MAX_MESSAGE_LENGTH]}{end}")


def assert_success(response: object, data: object = ANY_DATA) -> Any:
    """A ToolResponse, or its JSON form, is a success, with this data if given. Returns the data."""
    _assert_status(response, "success")
    for name in ("error_message", "error_code"):
        if (value := _field(response, name)) is not None:
            _fail(f"a success without {name}", value)
    return _assert_data(response, data)


def assert_partial(response: object, data: object = ANY_DATA, message: str = "") -> Any:
    """A response is partial, with this data if given and `message` in its message. Returns the data."""
    _assert_status(response, "partial")
    _assert_message(response, message)
    return _assert_data(response, data)


def assert_error(response: object, code: str | None = None, message: str = "") -> None:
    """A response is an error, with this error code if given and `message` in its message."""
    _assert_failed(response, "error", code, message)


def assert_blocked(response: object, code: str | None = None, message: str = "") -> None:
    """A response says that the call was not allowed, with this error code if given and `message` in its message."""
    _assert_failed(response, "blocked", code, message)


def assert_mcp_result(result: object, *, is_error: bool = False) -> None:
    """A valid result of an MCP tool call: text, structured content, and `isError` as expected."""
    if not isinstance(result, Mapping):
        _fail("an MCP result as a mapping", result)
    content = result.get("content")
    if not isinstance(content, list) or not content:
        _fail("a list of at least one content", content)
    for part in content:
        if not isinstance(part, Mapping) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            _fail("content of the form {'type': 'text', 'text': …}", part)
    if not isinstance(result.get("structuredContent"), Mapping):
        _fail("structuredContent as a mapping", result.get("structuredContent"))
    if result.get("isError") is not is_error:
        _fail(f"isError {is_error}", f"isError {result.get('isError')!r}: {content[0]['text']}")
    try:
        json.dumps(result)
    except (TypeError, ValueError) as error:
        _fail("a result that is JSON", str(error))


def _field(response: object, name: str) -> object:
    return response.get(name) if isinstance(response, Mapping) else getattr(response, name, None)


def _assert_status(response: object, expected: str) -> None:
    status = _field(response, "status")
    if status not in ("success", "error", "blocked", "partial"):
        _fail(f"a response with status {expected}", f"{response!r}, which is not a response")
    if status != expected:
        code, message = _field(response, "error_code"), _field(response, "error_message")
        _fail(f"status {expected}", f"{status}" + (f" [{code}] {message}" if message else ""))


def _assert_data(response: object, expected: object) -> object:
    data = _field(response, "data")
    if expected is not ANY_DATA and data != expected:
        _fail(f"data {expected!r}", data)
    return data


def _assert_failed(response: object, status: str, code: str | None, message: str) -> None:
    _assert_status(response, status)
    got = _field(response, "error_code")
    if not got or not str(got).isdigit():
        _fail("a numeric error code", got)
    if code is not None and str(got) != str(code):
        _fail(f"error code {code}", f"{got}: {_field(response, 'error_message')}")
    _assert_message(response, message)


def _assert_message(response: object, message: str) -> None:
    if message not in str(_field(response, "error_message")):
        _fail(f"{message!r} in the message", _field(response, "error_message"))


def assert_routed_to(routes: Sequence[object], name: str, *, within: int = 1) -> None:
    """A tool is among the first `within` routes, best first. A route is a name, or an object or mapping with one."""
    names = [_route_name(route) for route in routes]
    if name not in names[:within]:
        position = f"it is number {names.index(name) + 1}" if name in names else "it is not among the routes"
        _fail(f"a route to {name} within the first {within}", f"{names[: max(within, 5)]}; {position}")


def _route_name(route: object) -> str:
    if isinstance(route, str):
        return route
    names = (_field(route, key) for key in ("tool_name", "tool", "name"))
    return str(next(filter(None, names), repr(route)))


def assert_hit(hits: Sequence[Hit], path: str, *, text: str = "", within: int | None = None) -> Hit:
    """The first `within` hits, by default all, contain one in the file `path` with `text` in it. Returns it."""
    for hit in hits[:within]:
        if hit.path == path and text in hit.text:
            return hit
    expected = f"a hit in {path}" + (f" with {text!r}" if text else "")
    expected += f" within the first {within}" if within else ""
    _fail(expected, [f"{hit.rank}. {hit.path}:{hit.start_line}-{hit.end_line}" for hit in hits] or "no hits")


def assert_no_hit(hits: Sequence[Hit], path: str) -> None:
    """No hit is in the file `path`."""
    for hit in hits:
        if hit.path == path:
            _fail(f"no hit in {path}", f"{path}:{hit.start_line}-{hit.end_line} at rank {hit.rank}")


def assert_ranked(hits: Sequence[Hit]) -> None:
    """Ranks count from 1, scores never increase, and no chunk is repeated."""
    ranks, scores = [hit.rank for hit in hits], [hit.score for hit in hits]
    if ranks != list(range(1, len(hits) + 1)):
        _fail(f"ranks from 1 to {len(hits)}", ranks)
    if any(later > earlier for earlier, later in itertools.pairwise(scores)):
        _fail("scores that never increase", scores)
    chunk, count = next(iter(Counter(hit.chunk_id for hit in hits).most_common(1)), ("", 0))
    if count > 1:
        _fail("every chunk once", f"{chunk} {count} times")


def assert_citation(citation: Citation | Hit, snapshot: Snapshot | None = None) -> None:
    """The quote is found at the bytes and lines of its citation.

    Where a reader of a file format changed the text (HTML …), `snapshot` must be given, because it has that text.
    """
    quote = str(getattr(citation, "quote", None) or getattr(citation, "text", ""))
    position = f"{citation.path} bytes {citation.start_byte}-{citation.end_byte}"
    if not quote:
        _fail(f"a quote from {position}", "an empty one")
    raw = _cited_bytes(citation, snapshot)
    encoding = citation.encoding if citation.verbatim else "utf-8"
    actual = raw[citation.start_byte : citation.end_byte].decode(encoding, "replace")
    if actual != quote:
        _fail(f"{quote!r} at {position}", actual)
    if citation.verbatim:
        from omni_pipelines.text.lines import newline_offsets

        first = 1 + len(newline_offsets(raw[: citation.start_byte].decode(encoding, "replace")))
        last = first + len(newline_offsets(quote[:-1]))
        if (citation.start_line, citation.end_line) != (first, last):
            _fail(f"lines {first}-{last} of {citation.path}", f"{citation.start_line}-{citation.end_line}")


def _cited_bytes(citation: Citation | Hit, snapshot: Snapshot | None) -> bytes:
    from omni_pipelines.knowledge.search.citations import file_of, is_inside_file

    if citation.verbatim and not is_inside_file(citation.uri):
        try:
            return file_of(citation.uri).read_bytes()
        except OSError as error:
            _fail(f"the file {citation.uri}", f"{error.strerror}")
    if snapshot is None:
        _fail(f"a snapshot with the text of {citation.path}, which differs from the file", "none")
    documents = [row["doc_id"] for row in snapshot.document_names() if row["uri"] == citation.uri]
    document = snapshot.document(documents[0]) if documents else None
    if document is None:
        _fail(f"{citation.uri} in release {snapshot.release.release}", "no such document")
    from omni_pipelines.text.document_rows import parsed_document

    return parsed_document(document).stored_bytes


def assert_cited(answer: Answer, snapshot: Snapshot | None = None) -> None:
    """An answer was given, and the quotes of every sentence are found where their citations say."""
    if answer.abstained or not answer.sentences:
        _fail("an answer", f"an abstention (evidence {answer.evidence})")
    for sentence in answer.sentences:
        if not sentence.citations:
            _fail("a citation for every sentence", f"none for {sentence.text!r}")
        for citation in sentence.citations:
            assert_citation(citation, snapshot)


def assert_abstained(answer: Answer) -> None:
    """No answer was given, because the evidence is too weak."""
    if not answer.abstained or answer.answer or answer.sentences:
        _fail("an abstention", f"{answer.answer!r} (evidence {answer.evidence})")


def assert_release(home: Home, number: int | None = None, **counts: int) -> Release:
    """The newest release has this number and these table rows, can be opened, and is completely indexed. Returns it.

    Example: `assert_release(home, 2, documents=1)`.
    """
    from native.errors import EngineError
    from omni_pipelines.knowledge.state.releases import newest_release
    from omni_pipelines.knowledge.state.snapshot import Snapshot
    from omni_pipelines.knowledge.state.status import status

    release = newest_release(home)
    if release is None:
        _fail(f"a release in {home.root}", "none")
    if number is not None and release.release != number:
        _fail(f"release {number}", release.release)
    for table, rows in counts.items():
        actual = release.counts.get(table, f"no such table among {sorted(release.counts)}")
        if actual != rows:
            _fail(f"{rows} rows in {table}", actual)
    coverage = {index: covered.share for index, covered in status(home).coverage.items()}
    if incomplete := {index: share for index, share in coverage.items() if share != 1.0}:
        _fail("complete indexes", incomplete)
    try:
        Snapshot.open(home, release.release)
    except EngineError as error:
        _fail(f"release {release.release} to open", f"{type(error).__name__}: {error}")
    return release


@contextmanager
def assert_publishes(home: Home, releases: int = 1) -> Generator[None]:
    """The block publishes this many releases."""
    from omni_pipelines.knowledge.state.releases import newest_release

    before = newest_release(home)
    yield
    after = newest_release(home)
    made = (after.release if after else 0) - (before.release if before else 0)
    if made != releases:
        _fail(f"{releases} new releases", made)


def assert_latency(
    function: Callable[[], Result],
    *,
    below: float,
    runs: int = 5,
    clock: Callable[[], float] = time.process_time,
) -> Result:
    """The median CPU time of a call is below a number of seconds, over `runs` calls after a first one.

    CPU time, so that a busy machine does not fail the test: waiting is not counted, other threads are. Returns the
    result of the last call.
    """
    result = function()
    durations = []
    for _ in range(runs):
        start = clock()
        result = function()
        durations.append(clock() - start)
    if (median := statistics.median(durations)) >= below:
        _fail(f"less than {below:g} s CPU", f"{median:.4g} s, the median of {runs} runs")
    return result


def assert_latency_async(
    function: Callable[[], Coroutine[object, object, Result]],
    *,
    below: float,
    runs: int = 5,
    clock: Callable[[], float] = time.process_time,
) -> Result:
    """The same as `assert_latency` for a coroutine function, run in a new event loop."""
    with asyncio.Runner() as runner:
        return assert_latency(lambda: runner.run(function()), below=below, runs=runs, clock=clock)
