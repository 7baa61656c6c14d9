"""Bit rot is found row by row, and mended from the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from native.filters import equals
from native.lance_tables import LanceTable
from omni_pipelines.knowledge.state.releases import release_file, require_release
from omni_pipelines.operations import scrub as scrub_module
from omni_pipelines.operations.scrub import Damage, ScrubReport, mark_for_repair, scrub
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.publish import publish
from omni_pipelines.schemas import TABLES
from omni_pipelines.steps.step_records import read_step_record, read_step_records, write_step_record
from omni_pipelines.steps.step_table import STEPS
from tests.integration.line import Line, paragraph, write

FILES: dict[str, str | bytes] = {
    "badger.md": paragraph("badger"),
    "gecko.md": paragraph("gecko"),
    "latin.txt": "Das Käuzchen schläft auf dem Dach der alten Mühle.".encode("latin-1"),
    "mark.txt": "Die Möwe fliegt über das Meer.".encode("utf-16"),
    "page.html": "<h1>Heron</h1><p>The heron waits by the water.</p>",
}


@pytest.fixture
def sound(line: Line, docs: Path) -> Line:
    line.add(write(docs, FILES))
    line.run()
    return line


def scrubbed(line: Line) -> ScrubReport:
    return scrub(line.home, require_release(line.home))


def spoil(line: Line, name: str, change: dict[str, Callable[[Any], Any]], where: str) -> None:
    """Change rows behind everyone's back, and let a release show it."""
    definition = TABLES[name]
    found = LanceTable(line.home.table(name))
    rows = found.read(None, where).to_pylist()
    found.delete(where)
    spoiled = [{**row, **{key: put(row[key]) for key, put in change.items()}} for row in rows]
    found.upsert(definition.key, pa.Table.from_pylist(spoiled, schema=definition.schema))
    _show(line)


def _show(line: Line) -> None:
    release_file(line.home, 1).unlink()  # else a change to documents alone makes no new release
    heads, outputs = line.versions(), {}
    for step in (step.name for step in STEPS):
        record = read_step_record(line.home, step)
        assert record is not None
        name = {"vector_index": "embeddings", "keyword_index": "keyword_index"}.get(step, step)
        outputs[step] = heads.get(name, record.output)
        inputs = {key: outputs.get(key, value) for key, value in record.inputs.items()}
        write_step_record(line.home, step, outputs[step], inputs, record.fingerprint, record.seen)
    with writer_session(line.home, line.settings):
        publish(line.context)


def flip(text: str) -> str:
    return chr(ord(text[0]) ^ 1) + text[1:]


def test_a_sound_base_has_no_damage(sound: Line) -> None:
    report = scrubbed(sound)
    assert report.damage == ()
    assert report.rows == sum(require_release(sound.home).counts.values())
    assert report.files > 0


BADGER = equals("path", "badger.md")
CASES: list[tuple[str, dict[str, Callable[[Any], Any]], str]] = [
    ("documents", {"text": flip}, "its text is not the file's"),
    ("documents", {"path": flip}, "its id is not that of its source and path"),
    ("documents", {"content_hash": flip}, "its revision is not"),
    ("documents", {"structure": lambda _: "{"}, "its text or structure cannot be read"),
    ("chunks", {"text": flip}, "its text is not what was hashed"),
    ("chunks", {"doc_id": flip}, "its id is not that of its document"),
    ("chunks", {"start_char": lambda at: at + 1}, "its text does not stand at its place"),
    ("embeddings", {"text_hash": flip}, "it is not the vector of its chunk's text"),
    ("embeddings", {"vector": lambda vector: [2 * each for each in vector]}, "its length is 2.0"),
    ("embeddings", {"model": flip}, "it was made by"),
]


@pytest.mark.parametrize(("name", "change", "what"), CASES)
def test_a_changed_row_is_found_and_mended(
    sound: Line, name: str, change: dict[str, Callable[[Any], Any]], what: str
) -> None:
    spoil(sound, name, change, BADGER)
    report = scrubbed(sound)
    assert any(each.place == f"table {name}" and what in each.what for each in report.damage)
    with writer_session(sound.home, sound.settings):
        mark_for_repair(sound.home, report)
    sound.run()
    assert scrubbed(sound).damage == ()
    assert {row["path"] for row in sound.rows("documents", "path")} == set(FILES)


def test_only_what_is_damaged_is_read_again(sound: Line, reads: list[str]) -> None:
    spoil(sound, "chunks", {"text": flip}, BADGER)
    with writer_session(sound.home, sound.settings):
        assert mark_for_repair(sound.home, scrubbed(sound)) == 1
    reads.clear()
    sound.run()
    assert reads == ["badger.md"]


def test_a_missing_chunk_is_found(sound: Line) -> None:
    chunks = LanceTable(sound.home.table("chunks"))
    last = max(row["ordinal"] for row in chunks.read(["ordinal"], BADGER).to_pylist())
    chunks.delete(f"{BADGER} AND ordinal = {last}")
    _show(sound)
    assert [each.what for each in scrubbed(sound).damage] == ["a chunk is missing"]


def test_a_missing_vector_is_found(sound: Line) -> None:
    LanceTable(sound.home.table("embeddings")).delete(BADGER)
    _show(sound)
    assert {(each.place, each.what) for each in scrubbed(sound).damage} == {("table embeddings", "it is missing")}


def test_a_repair_makes_an_ingest_due(sound: Line) -> None:
    spoil(sound, "embeddings", {"model": flip}, BADGER)
    with writer_session(sound.home, sound.settings):
        mark_for_repair(sound.home, scrubbed(sound))
    assert read_step_records(sound.home) == {}


def test_every_file_of_the_keyword_index_has_its_checksum(sound: Line) -> None:
    folder = sound.home.keyword / require_release(sound.home).keyword.generation
    for path in [path for path in sorted(folder.iterdir()) if path.stat().st_size]:
        raw = path.read_bytes()
        path.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
        found = scrubbed(sound).damage
        assert [(each.place, each.key) for each in found if each.key == path.name] or path.suffix == ".lock"
        path.write_bytes(raw)
    assert scrubbed(sound).damage == ()


def test_a_damaged_keyword_index_is_built_anew_by_the_ingest_after_a_repair(sound: Line) -> None:
    release = require_release(sound.home)
    file = next((sound.home.keyword / release.keyword.generation).glob("*.pos"))
    raw = file.read_bytes()
    file.write_bytes(raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :])
    report = scrubbed(sound)
    assert [each.place for each in report.damage] == ["keyword index"]
    with writer_session(sound.home, sound.settings):
        mark_for_repair(sound.home, report)
    sound.run()
    assert scrubbed(sound).damage == ()


def test_a_file_that_was_cut_and_a_torn_record_are_found(sound: Line) -> None:
    file = next((sound.home.table("chunks") / "data").glob("*.lance"))
    file.write_bytes(file.read_bytes()[:-7])
    release_file(sound.home, 9).write_bytes(b"{}")
    places = {each.place for each in scrubbed(sound).damage}
    assert places >= {"table chunks", "releases"}


def test_every_flipped_byte_of_a_text_page_is_found_or_harmless(sound: Line) -> None:
    """Lance reads most flipped bits silently: what it then gives is compared, and nothing raises."""
    found = []
    for path in sorted((sound.home.table("documents") / "data").glob("*.lance")):
        raw = path.read_bytes()
        for at in range(0, len(raw), max(1, len(raw) // 24)):
            path.write_bytes(raw[:at] + bytes([raw[at] ^ 16]) + raw[at + 1 :])
            found.append(bool(scrubbed(sound).damage))
        path.write_bytes(raw)
    assert sum(found) >= 4
    assert scrubbed(sound).damage == ()


def test_a_row_that_cannot_be_read_is_named_alone(sound: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = next(row["doc_id"] for row in sound.rows("documents", "doc_id", "path") if row["path"] == "gecko.md")
    real = LanceTable.read

    def failing(self: LanceTable, columns: Any = None, where: Any = None, version: Any = None) -> pa.Table:
        if columns is None and self.name == "documents" and bad in (where or ""):
            raise OSError("cannot decode")
        return real(self, columns, where, version)

    monkeypatch.setattr(scrub_module.LanceTable, "read", failing)
    found = [each for each in scrubbed(sound).damage if each.place == "table documents"]
    assert found == [Damage("table documents", bad, "it cannot be read: cannot decode", bad)]
