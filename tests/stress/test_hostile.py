"""Hostile files of every format: each becomes one document or one row in quarantine, and the run continues."""

from __future__ import annotations

import functools
import os
import resource
import zlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pytest

from omni_pipelines import progress
from omni_pipelines.errors import ModelMissing
from omni_pipelines.home import Home
from omni_pipelines.refusals import Unreadable
from omni_pipelines.rows import DocumentRow
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.file_reads import read_file
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.tables import read_rows
from omni_pipelines.text.document_rows import parsed_document
from omni_pipelines.text.engines import load_counter
from omni_pipelines.text.readers.registry import reader_for
from tests.integration.line import Line, write
from tests.stress.harness.extent import EXTENT
from tests.stress.hostile import documents, markup, odd_paths, plain, reported
from tests.stress.hostile.case import READ, Hostile
from tests.stress.hostile.cutting import check_chunks

SOURCES = (
    plain.texts, plain.markdown, plain.data, plain.code, markup.pages, markup.xml, markup.letters, markup.languages,
    documents.pdfs,
    documents.archives,
)  # fmt: skip
MAX_MEMORY = 1 << 30
"""Memory growth, in bytes, that the parent process may have; a parser process has the same limit."""
MAX_SECONDS = 20.0
"""Processor time that the parent process may use for one file; a parser process has the same limit."""
MAX_CUT = 250_000 if EXTENT.name == "short" else 1 << 62
"""Texts with more characters are cut into chunks in the long form only, but for one letter a million times."""


_DOCUMENT = (
    "path",
    "text",
    "kind",
    "title",
    "encoding",
    "bom_bytes",
    "encoding_probability",
    "verbatim",
    "partial",
    "structure",
)


@functools.cache
def cases() -> tuple[Hostile, ...]:
    """The files. To make them takes seconds, so they are made when the first test needs them."""
    return tuple(chain.from_iterable(source() for source in SOURCES))


@dataclass(frozen=True)
class Outcomes:
    """The outcome of each file."""

    of: dict[str, tuple[str, str]] = field(repr=False)
    """Outcome and, for a document, its text, by path."""
    rows: list[DocumentRow] = field(repr=False)
    """The rows of the documents, sorted by path."""
    expected_outcomes: dict[str, str]
    folder: Path
    seconds: dict[str, float]
    """Processor time of the parent process, by path."""
    grown: int | None
    """Bytes by which the parent process grew; None if the system does not report it."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    root = tmp_path_factory.mktemp("hostile")
    for case in cases():
        write(root / "files", {case.name: case.raw})
    expected = odd_paths.create(root / "odd_paths")
    line = Line(Home(root / ".omni"))
    line.add(root / "files", root / "odd_paths")
    clock, before = _Clock(), _begin_peak()
    with pytest.MonkeyPatch.context() as patch, progress.reporting_to(clock.hear):
        _change_while_read(patch, root / "odd_paths" / odd_paths.CHANGING)
        line.ingest()
    grown = _memory("VmHWM") - before if before is not None else None
    rows = sorted(read_rows(line.home, DOCUMENTS, DocumentRow, _DOCUMENT), key=lambda row: row["path"])
    results = [(row["path"], (READ, row["text"])) for row in rows]
    refused = [row for row in line.rows("quarantine", "path", "code") if row["code"] != "E_PARTIAL"]
    results += [(row["path"], (row["code"], "")) for row in refused]
    assert max(Counter(name for name, _ in results).values()) == 1, "a file has two rows"
    return Outcomes(dict(results), rows, expected, root / "odd_paths", clock.seconds, grown)


def _begin_peak() -> int | None:
    """Reset the peak memory of this process, and return its memory use now; None if the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _memory("VmRSS")
    except OSError:
        return None


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


class _Clock:
    """Measures the processor time between two reports of the file that is being read."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._current: tuple[str, float] = ("", 0.0)

    def hear(self, report: progress.Report) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        name, began = self._current
        self.seconds[name] = used.ru_utime + used.ru_stime - began
        self._current = report.detail, used.ru_utime + used.ru_stime


def _change_while_read(patch: pytest.MonkeyPatch, path: Path) -> None:
    real = os.fdopen

    def growing(handle: int, mode: str) -> object:
        if os.fstat(handle).st_ino == path.stat().st_ino:
            with path.open("a") as file:
                file.write("more\n")
        return real(handle, mode)

    patch.setattr(os, "fdopen", growing)


@pytest.mark.timeout(900)
def test_hostile_file_has_its_expected_code_or_text(outcomes: Outcomes) -> None:
    assert len(cases()) > 160
    found = {case.name: outcomes.of.get(case.name) for case in cases()}
    wrong = {case.name: found[case.name] for case in cases() if found[case.name] != (case.outcome, case.text)}
    assert {name: each and (each[0], each[1][:100]) for name, each in wrong.items()} == {}


def test_parser_that_dies_without_memory_is_told_as_such_whatever_its_parent_used() -> None:
    raw = documents.pdf(zlib.compress(b"q " * (16 << 20), 9), entries=b"/Filter/FlateDecode")  # a state for each q
    reader = reader_for("states.pdf")
    assert reader is not None
    bytearray(b"x") * (MAX_MEMORY + 1)  # Linux starts the maximum of a child at that of its parent
    with DocumentParser() as parser, pytest.raises(Unreadable, match="E_MEMORY"):
        parser.read(reader, raw, "states.pdf")


@pytest.mark.timeout(900)
def test_link_socket_or_odd_name_has_its_expected_outcome(outcomes: Outcomes) -> None:
    results = {path: outcomes.of.get(path, (odd_paths.LEFT_OUT, ""))[0] for path in outcomes.expected_outcomes}
    assert results == outcomes.expected_outcomes


def test_rows_exist_for_nothing_else(outcomes: Outcomes) -> None:
    inside = {name for name in outcomes.of if name.startswith(("archive.md/", "climbing.md/", "packed.md/"))}
    assert set(outcomes.of) - inside <= {case.name for case in cases()} | outcomes.expected_outcomes.keys()


@pytest.mark.parametrize("name", odd_paths.OPENED)
def test_link_that_replaces_a_listed_file_is_not_read(name: str, outcomes: Outcomes) -> None:
    with pytest.raises(Unreadable) as refused:
        read_file(outcomes.folder / name, 100)
    assert refused.value.code == odd_paths.OPENED[name]


def test_every_known_bad_input_has_a_case(outcomes: Outcomes) -> None:
    counts = {kind: len(names) for kind, names in reported.KINDS.items()}
    assert counts == {
        "text": 21, "markdown": 11, "data": 8, "html": 13, "xml": 7, "pdf": 26, "archives": 18, "code": 7,
        "odd paths": 24, "meaning": 3,
    }  # fmt: skip
    assert sum(counts.values()) == 138
    named = {case.name for case in cases()} | {_described(path) for path in outcomes.expected_outcomes}
    assert [name for names in reported.KINDS.values() for name in names if name not in named] == []


def _described(path: str) -> str:
    """Return a path, or a description if the path is unreadable for people."""
    if len(path) > 8_000:
        return "a path of 8,000 characters"
    if path.startswith("nnn"):
        return "a name of 255 bytes"
    return "a name that is no text" if "%FF%FE" in path else path


def test_parent_process_needs_little_memory_and_little_time_for_each_file(outcomes: Outcomes) -> None:
    assert outcomes.grown is None or outcomes.grown < MAX_MEMORY
    assert {case.name for case in cases()} <= outcomes.seconds.keys()
    assert max(outcomes.seconds.values()) < MAX_SECONDS


def test_hostile_file_creates_no_file_elsewhere(outcomes: Outcomes) -> None:
    assert outcomes
    assert not [path for folder in (Path.cwd(), Path("/tmp"), Path("/")) for path in folder.glob("planted*")]


@pytest.mark.timeout(900)
def test_hostile_texts_are_cut_and_counted_exactly(outcomes: Outcomes) -> None:
    """The real vocabulary counts text that looks like a special token, or is one letter a million times, as text."""
    try:
        counter = load_counter(Settings())
    except ModelMissing as error:
        pytest.skip(str(error))
    cut = [row for row in outcomes.rows if len(row["text"]) <= MAX_CUT or row["path"] == "one_letter.txt"]
    assert len(cut) >= 70
    for row in cut:
        assert check_chunks(parsed_document(row), row["kind"], counter) > 0, row["path"]
