"""Hostile files of every format: each becomes clean text or one row in quarantine, and the run goes on."""

from __future__ import annotations

import os
import resource
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines import progress
from omni_pipelines.errors import ModelMissing
from omni_pipelines.home import Home
from omni_pipelines.settings import Settings
from omni_pipelines.sources.file_reads import read_file
from omni_pipelines.text.decoding import Unreadable
from omni_pipelines.text.document_rows import parsed_document
from omni_pipelines.text.engines import load_counter
from tests.integration.line import Line, write
from tests.stress.harness.extent import EXTENT
from tests.stress.hostile import documents, markup, places, plain, reported
from tests.stress.hostile.case import READ, Hostile
from tests.stress.hostile.cutting import check_chunks

SOURCES = (
    plain.texts, plain.markdown, plain.data, plain.code, markup.pages, markup.xml, markup.letters, documents.pdfs,
    documents.archives,
)  # fmt: skip
MAX_MEMORY = 1 << 30
"""Bytes that the parent may hold while it reads them all; a parser process has the same limit from the system."""
MAX_SECONDS = 20.0
"""Of processor time that the parent may take for one file; a parser process has the same limit from the system."""
MAX_CUT = 1_100_000 if EXTENT.name == "short" else 1 << 62
"""Characters of a text above which it is cut into chunks in the long form only."""


CASES: tuple[Hostile, ...] = tuple(chain.from_iterable(source() for source in SOURCES))
_DOCUMENT = ("path", "text", "kind", "title", "encoding", "bom_bytes", "verbatim", "structure")


@dataclass(frozen=True)
class Outcomes:
    """What became of the files."""

    of: dict[str, tuple[str, str]] = field(repr=False)
    """Path to outcome, and the text of a document."""
    rows: list[dict[str, Any]] = field(repr=False)
    """The documents, by path."""
    expected_places: dict[str, str]
    folder: Path
    seconds: dict[str, float]
    """Processor time that the parent took for a file."""
    grown: int | None
    """Bytes by which the parent grew, whatever ran in its process before; None where the system does not say."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    root = tmp_path_factory.mktemp("hostile")
    for each in CASES:
        write(root / "files", {each.name: each.raw})
    expected = places.lay(root / "places")
    line = Line(Home(root / ".omni"))
    line.add(root / "files", root / "places")
    clock, before = _Clock(), _begin_peak()
    with pytest.MonkeyPatch.context() as patch, progress.reporting_to(clock.hear):
        _change_while_read(patch, root / "places" / places.CHANGING)
        line.ingest()
    grown = _memory("VmHWM") - before if before is not None else None
    rows = sorted(line.rows("documents", *_DOCUMENT), key=lambda row: str(row["path"]))
    found = [(row["path"], (READ, row["text"])) for row in rows]
    found += [(row["path"], (row["code"], "")) for row in line.rows("quarantine", "path", "code")]
    assert max(Counter(name for name, _ in found).values()) == 1, "a file has two records"
    return Outcomes(dict(found), rows, expected, root / "places", clock.seconds, grown)


def _begin_peak() -> int | None:
    """Let the peak of this process begin anew, and give what it holds now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _memory("VmRSS")
    except OSError:
        return None


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


class _Clock:
    """Hears which file is read, and how much processor time passes until the next is."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._at: tuple[str, float] = ("", 0.0)

    def hear(self, report: progress.Report) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        name, began = self._at
        self.seconds[name] = used.ru_utime + used.ru_stime - began
        self._at = report.detail, used.ru_utime + used.ru_stime


def _change_while_read(patch: pytest.MonkeyPatch, path: Path) -> None:
    real = os.fdopen

    def growing(handle: int, mode: str) -> object:
        if os.fstat(handle).st_ino == path.stat().st_ino:
            with path.open("a") as file:
                file.write("more\n")
        return real(handle, mode)

    patch.setattr(os, "fdopen", growing)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("hostile", [pytest.param(each, id=each.name) for each in CASES])
def test_a_hostile_file_ends_in_its_code_or_in_its_text(hostile: Hostile, outcomes: Outcomes) -> None:
    outcome, text = outcomes.of[hostile.name]
    assert outcome == hostile.outcome
    assert text == hostile.text


@pytest.mark.timeout(900)
def test_what_is_no_plain_file_ends_as_expected(outcomes: Outcomes) -> None:
    found = {path: outcomes.of.get(path, (places.LEFT_OUT, ""))[0] for path in outcomes.expected_places}
    assert found == outcomes.expected_places


def test_there_is_a_record_of_nothing_else(outcomes: Outcomes) -> None:
    assert set(outcomes.of) <= {each.name for each in CASES} | outcomes.expected_places.keys()


@pytest.mark.parametrize("name", places.OPENED)
def test_what_takes_the_place_of_a_file_after_the_listing_is_not_read(name: str, outcomes: Outcomes) -> None:
    with pytest.raises(Unreadable) as refused:
        read_file(outcomes.folder / name, 100)
    assert refused.value.code == places.OPENED[name]


def test_every_bad_input_that_is_known_has_its_case(outcomes: Outcomes) -> None:
    counts = {kind: len(names) for kind, names in reported.KINDS.items()}
    assert counts == {
        "text": 21, "markdown": 11, "data": 8, "html": 13, "xml": 7, "pdf": 26, "archives": 18, "code": 7,
        "places": 24, "meaning": 3,
    }  # fmt: skip
    assert sum(counts.values()) == 138
    named = {each.name for each in CASES} | {_told(path) for path in outcomes.expected_places}
    assert [name for names in reported.KINDS.values() for name in names if name not in named] == []


def _told(path: str) -> str:
    """The path of a place, or what it is, where nobody can read it."""
    if len(path) > 8_000:
        return "a path of 8,000 characters"
    if path.startswith("nnn"):
        return "a name of 255 bytes"
    return "a name that is no text" if "%FF%FE" in path else path


def test_the_parent_stays_small_and_takes_little_time_for_each(outcomes: Outcomes) -> None:
    assert outcomes.grown is None or outcomes.grown < MAX_MEMORY
    assert {each.name for each in CASES} <= outcomes.seconds.keys()
    assert max(outcomes.seconds.values()) < MAX_SECONDS


def test_nothing_was_planted(outcomes: Outcomes) -> None:
    assert outcomes
    assert not [path for place in (Path.cwd(), Path("/tmp"), Path("/")) for path in place.glob("planted*")]


@pytest.mark.timeout(900)
def test_hostile_texts_are_cut_and_counted_to_the_character(outcomes: Outcomes) -> None:
    """By the real vocabulary: what looks like a special token, or is one letter a million times, is text."""
    try:
        counter = load_counter(Settings())
    except ModelMissing as error:
        pytest.skip(str(error))
    cut = [row for row in outcomes.rows if len(row["text"]) <= MAX_CUT]
    assert len(cut) >= 70
    for row in cut:
        assert check_chunks(parsed_document(row), row["kind"], counter) > 0, row["path"]
