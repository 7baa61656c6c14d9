"""Damaged rows and files are found, and repaired from the sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from native import lance_maintenance
from native.errors import TableCorrupt
from native.filters import equals
from native.lance_maintenance import MAX_FRAGMENTS
from native.lance_tables import LanceTable
from native.tantivy_index import KeywordIndex
from omni_pipelines.erasure.erase import erase
from omni_pipelines.errors import TableBroken
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state import journal, table_files
from omni_pipelines.knowledge.state.releases import put_release, release_file, require_release
from omni_pipelines.operations import maintenance
from omni_pipelines.operations.scrub import Damage, ScrubReport, check_files, mark_for_repair, scrub
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.bundle import export_release
from omni_pipelines.publishing.publish import publish
from omni_pipelines.schemas import FILTERS, GATE_RESULTS, TABLES
from omni_pipelines.steps.quarantine import quarantined
from omni_pipelines.steps.step_records import read_step_record, read_step_records, write_step_record
from omni_pipelines.steps.step_table import STEPS
from tests.integration.line import Line, Original, paragraph, write

FILES: dict[str, str | bytes] = {
    "badger.md": paragraph("badger"),
    "gecko.md": paragraph("gecko"),
    "latin.txt": "Das Käuzchen schläft auf dem Dach der alten Mühle.".encode("latin-1"),
    "mark.txt": "Die Möwe fliegt über das Meer.".encode("utf-16"),
    "page.html": "<h1>Heron</h1><p>The heron waits by the water.</p>",
}


def fill(line: Line, docs: Path) -> None:
    line.add(write(docs, FILES))
    line.run()


@pytest.fixture
def sound(original: Original, home: Home) -> Line:
    """For a test that damages no file of a table."""
    return original.copy(home)


@pytest.fixture
def fresh(line: Line, docs: Path) -> Line:
    """For a test that damages one."""
    fill(line, docs)
    return line


def scrubbed(line: Line) -> ScrubReport:
    return scrub(line.home, require_release(line.home))


def spoil(line: Line, name: str, change: dict[str, Callable[[Any], Any]], where: str) -> None:
    """Change rows of a table as if its bytes had changed, and publish them."""
    definition = TABLES[name]
    table = LanceTable(line.home.table(name))
    rows = table.read(None, where).to_pylist()
    table.delete(where)
    spoiled = [{**row, **{key: changed(row[key]) for key, changed in change.items()}} for row in rows]
    table.upsert(definition.key, pa.Table.from_pylist(spoiled, schema=definition.schema))
    publish_heads(line)


def publish_heads(line: Line) -> None:
    release_file(line.home, 1).unlink()  # otherwise a change to documents alone makes no new release
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


def test_scrub_finds_no_damage_in_a_sound_release(sound: Line) -> None:
    report = scrubbed(sound)
    assert report.damage == ()
    assert report.rows == sum(require_release(sound.home).counts.values())
    assert report.files > 0


BADGER = equals("path", "badger.md")
CASES: list[tuple[str, dict[str, Callable[[Any], Any]], str]] = [
    ("documents", {"text": flip}, "its text differs from the file"),
    ("documents", {"path": flip}, "its id does not match its source and path"),
    ("documents", {"content_hash": flip}, "its revision does not match"),
    ("documents", {"structure": lambda _: "{"}, "its text or structure cannot be read"),
    ("chunks", {"text": flip}, "its text does not match its hash"),
    ("chunks", {"doc_id": flip}, "its id does not match its document"),
    ("chunks", {"start_char": lambda start: start + 1}, "its text differs from this part"),
    ("chunks", {"start_byte": lambda start: start + 1}, "its start_byte is not that of its document"),
    ("chunks", {"end_byte": lambda end: end - 1}, "its end_byte is not that of its document"),
    ("chunks", {"start_line": lambda line: line + 2}, "its start_line is not that of its document"),
    ("chunks", {"page": lambda _: 7}, "its page is not that of its document"),
    ("chunks", {"title": flip}, "its title is not that of its document"),
    ("embeddings", {"path": flip}, "it is found by other filters than its chunk"),
    ("embeddings", {"text_hash": flip}, "it is not the vector of the text of its chunk"),
    ("embeddings", {"vector": lambda vector: [2 * value for value in vector]}, "its length is 2.0"),
    ("embeddings", {"model": flip}, "it was made by"),
]


@pytest.mark.parametrize(("name", "change", "what"), CASES)
def test_scrub_finds_a_changed_row_and_an_ingest_repairs_it(
    sound: Line, name: str, change: dict[str, Callable[[Any], Any]], what: str
) -> None:
    spoil(sound, name, change, BADGER)
    report = scrubbed(sound)
    assert any(damage.place == f"table {name}" and what in damage.what for damage in report.damage)
    with writer_session(sound.home, sound.settings):
        mark_for_repair(sound.home, report)
    sound.run()
    assert scrubbed(sound).damage == ()
    assert {row["path"] for row in sound.rows("documents", "path")} == set(FILES)


def test_a_repair_reads_only_damaged_documents_again(fresh: Line, reads: list[str]) -> None:
    spoil(fresh, "chunks", {"text": flip}, BADGER)
    with writer_session(fresh.home, fresh.settings):
        assert mark_for_repair(fresh.home, scrubbed(fresh)) == 1
    reads.clear()
    fresh.run()
    assert reads == ["badger.md"]


def test_scrub_finds_a_missing_chunk(sound: Line) -> None:
    chunks = LanceTable(sound.home.table("chunks"))
    last = max(row["ordinal"] for row in chunks.read(["ordinal"], BADGER).to_pylist())
    chunks.delete(f"{BADGER} AND ordinal = {last}")
    publish_heads(sound)
    assert [damage.what for damage in scrubbed(sound).damage] == ["a chunk is missing"]


def test_scrub_finds_a_missing_vector(sound: Line) -> None:
    LanceTable(sound.home.table("embeddings")).delete(BADGER)
    publish_heads(sound)
    assert {(damage.place, damage.what) for damage in scrubbed(sound).damage} == {
        ("table embeddings", "it is missing")
    }


def test_scrub_finds_a_changed_line_of_the_journal_and_a_repair_drops_it(sound: Line) -> None:
    _, path = journal.journal_files(sound.home, GATE_RESULTS)
    before = journal.read(sound.home, GATE_RESULTS).num_rows
    path.write_bytes(path.read_bytes().replace(b'"passed":true', b'"passed":True', 1))
    report = scrubbed(sound)
    assert [(damage.place, damage.key) for damage in report.damage] == [("journal", f"{path.name}, line 1")]
    with writer_session(sound.home, sound.settings):
        mark_for_repair(sound.home, report)
    assert scrubbed(sound).damage == ()
    assert journal.read(sound.home, GATE_RESULTS).num_rows == before - 1


def test_a_repair_makes_all_steps_stale(sound: Line) -> None:
    spoil(sound, "embeddings", {"model": flip}, BADGER)
    with writer_session(sound.home, sound.settings):
        mark_for_repair(sound.home, scrubbed(sound))
    assert read_step_records(sound.home) == {}


def test_scrub_finds_a_changed_byte_in_every_file_of_the_keyword_index(sound: Line) -> None:
    folder = sound.home.keyword / require_release(sound.home).keyword.generation
    for path in [path for path in sorted(folder.iterdir()) if path.stat().st_size]:
        raw = path.read_bytes()
        path.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
        assert path.name in {damage.key for damage in scrubbed(sound).damage} or path.suffix == ".lock"
        path.write_bytes(raw)
    assert scrubbed(sound).damage == ()


def test_a_damaged_keyword_index_is_built_again_after_a_repair(sound: Line) -> None:
    release = require_release(sound.home)
    file = next((sound.home.keyword / release.keyword.generation).glob("*.pos"))
    raw = file.read_bytes()
    file.write_bytes(raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :])
    report = scrubbed(sound)
    assert [damage.place for damage in report.damage] == ["keyword index"]
    with writer_session(sound.home, sound.settings):
        mark_for_repair(sound.home, report)
    sound.run()
    assert scrubbed(sound).damage == ()


def test_an_index_that_is_too_damaged_to_build_on_is_built_from_the_rows(sound: Line, docs: Path) -> None:
    release = require_release(sound.home)
    folder = sound.home.keyword / release.keyword.generation
    for file in (*folder.glob("*.idx"), *folder.glob("*.pos")):
        raw = file.read_bytes()
        file.write_bytes(b"\xff" * (len(raw) // 2) + raw[len(raw) // 2 :])
    assert len(KeywordIndex.open(folder, FILTERS).fingerprints()) > 1
    write(docs, {"new.md": "# New\n\nA page about gulls.\n"})
    (docs / "badger.md").unlink()
    sound.run(allow_delete=True)
    assert scrubbed(sound).damage == ()
    assert [hit.path for hit in sound.search("gulls", Mode.KEYWORD)] == ["new.md"]


def test_scrub_finds_a_shortened_file_and_a_damaged_record(fresh: Line) -> None:
    file = next((fresh.home.table("chunks") / "data").glob("*.lance"))
    file.write_bytes(file.read_bytes()[:-7])
    release_file(fresh.home, 9).write_bytes(b"{}")
    places = {damage.place for damage in scrubbed(fresh).damage}
    assert places >= {"table chunks", "releases"}


def test_a_flipped_bit_is_found_by_the_checksum_and_an_ingest_repairs_the_rows_of_the_file(fresh: Line) -> None:
    """Lines, titles and version marks follow from nothing else in the row, so only the checksum knows them."""
    before = require_release(fresh.home)
    damaged = [path for path in before.files if path.endswith(".lance")]
    assert {path.split("/")[1] for path in damaged} == {"documents.lance", "chunks.lance", "embeddings.lance"}
    for path in damaged:
        raw = bytearray((fresh.home.root / path).read_bytes())
        raw[len(raw) // 3] ^= 8
        (fresh.home.root / path).write_bytes(raw)
    report = scrubbed(fresh)
    files = [damage for damage in report.damage if "does not match its checksum" in damage.what]
    assert [f"tables/{damage.place.split()[1]}.lance/{damage.key}" for damage in files] == damaged
    with writer_session(fresh.home, fresh.settings):
        assert mark_for_repair(fresh.home, report) >= len(FILES)
    fresh.run()
    assert scrubbed(fresh).damage == ()
    assert not set(damaged) & set(require_release(fresh.home).files)
    assert {row["path"] for row in fresh.rows("documents", "path")} == set(FILES)


@pytest.mark.parametrize(("name", "column"), [("documents", ""), ("embeddings", ""), ("chunks", "modified")])
def test_a_table_with_a_damaged_manifest_is_set_aside_and_built_again(fresh: Line, name: str, column: str) -> None:
    """A bit flips in its middle, or in the name of a column."""
    (path,) = (
        path for path in require_release(fresh.home).files if path.startswith(f"tables/{name}.lance/_versions/")
    )
    raw = bytearray((fresh.home.root / path).read_bytes())
    raw[raw.index(column.encode()) if column else len(raw) // 2] ^= 1
    (fresh.home.root / path).write_bytes(raw)
    report = scrubbed(fresh)
    assert (f"table {name}", path.split("/", 2)[2]) in {(damage.place, damage.key) for damage in report.damage}
    with writer_session(fresh.home, fresh.settings):
        mark_for_repair(fresh.home, report)
    fresh.run()
    assert scrubbed(fresh).damage == ()
    assert [damage.name.startswith(f"{name}.lance.") for damage in fresh.home.quarantine.glob("*.lance.*")] == [True]
    assert fresh.search("badger")[0].path == "badger.md"


def test_a_damaged_manifest_of_an_older_version_is_set_aside(fresh: Line, docs: Path) -> None:
    write(docs, {"badger.md": paragraph("badger") + "Badgers moved away.\n"})
    fresh.run()
    kept = set(require_release(fresh.home).files)
    folder = fresh.home.table("embeddings") / "_versions"
    older = next(
        path for path in sorted(folder.glob("*.manifest")) if path.relative_to(fresh.home.root).as_posix() not in kept
    )
    raw = older.read_bytes()
    older.write_bytes(raw[:8] + b"\xff" * (len(raw) - 24) + raw[-16:])  # it is complete, and no Protobuf
    with pytest.raises(TableCorrupt):
        lance_maintenance.clean_up(LanceTable(fresh.home.table("embeddings")))
    with writer_session(fresh.home, fresh.settings):
        mark_for_repair(fresh.home, scrubbed(fresh))
    fresh.run()
    assert not older.exists()
    assert scrubbed(fresh).damage == ()
    assert fresh.search("badger")[0].path == "badger.md"


def test_a_table_that_lost_a_file_is_built_again(fresh: Line) -> None:
    for name in ("documents", "chunks"):
        (path, *_) = (
            path for path in require_release(fresh.home).files if path.startswith(f"tables/{name}.lance/data/")
        )
        (fresh.home.root / path).unlink()
        report = scrubbed(fresh)
        assert ("it is missing, and its rows cannot be read", name) in {
            (damage.what, damage.place.removeprefix("table ")) for damage in report.damage
        }
        with writer_session(fresh.home, fresh.settings):
            mark_for_repair(fresh.home, report)
        fresh.run()
        assert scrubbed(fresh).damage == ()
        assert {row["path"] for row in fresh.rows("documents", "path")} == set(FILES)


def test_a_flipped_bit_in_the_table_of_refused_files_is_found_and_repaired(line: Line, docs: Path) -> None:
    line.add(write(docs, {**FILES, "damaged.md": b"\0"}))
    line.run()
    before = quarantined(line.home)
    (file,) = (line.home.table("quarantine") / "data").iterdir()
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 3] ^= 1
    file.write_bytes(raw)
    report = scrubbed(line)
    assert [(damage.place, damage.what) for damage in report.damage] == [
        ("table quarantine", "it does not match its checksum")
    ]
    with writer_session(line.home, line.settings):
        mark_for_repair(line.home, report)
    line.run()
    assert scrubbed(line).damage == ()
    assert [row["path"] for row in quarantined(line.home)] == [row["path"] for row in before] == ["damaged.md"]


def test_a_damaged_certificate_is_found_and_set_aside(sound: Line) -> None:
    with writer_session(sound.home, sound.settings):
        erase(sound.context, "badger.md")
    (file,) = sound.home.certificates.iterdir()
    file.write_bytes(file.read_bytes().replace(b'"document"', b'"source"'))
    report = scrubbed(sound)
    assert [(damage.place, damage.key) for damage in report.damage] == [("file", f"certificates/{file.name}")]
    with writer_session(sound.home, sound.settings):
        mark_for_repair(sound.home, report)
    assert scrubbed(sound).damage == ()
    assert (sound.home.quarantine / f"{file.name}.damaged").exists()


def test_a_checksum_is_taken_once_so_that_damage_cannot_become_the_truth(fresh: Line, docs: Path) -> None:
    before = require_release(fresh.home).files
    (path,) = (path for path in before if path.startswith("tables/documents.lance/data/"))
    raw = bytearray((fresh.home.root / path).read_bytes())
    raw[0] ^= 1
    (fresh.home.root / path).write_bytes(raw)
    write(docs, {"new.md": paragraph("newt")})
    fresh.run()
    assert require_release(fresh.home).files[path] == before[path]
    assert [damage.key for damage in check_files(fresh.home, require_release(fresh.home))] == [path.split("/", 2)[2]]


def test_the_rows_of_a_damaged_file_are_not_written_into_a_new_one(fresh: Line, tmp_path: Path) -> None:
    """Under the checksum of another file the damage would look sound."""
    (path,) = (path for path in require_release(fresh.home).files if path.startswith("tables/documents.lance/data/"))
    documents = LanceTable(fresh.home.table("documents"))
    (row, *_) = documents.read().to_pylist()
    for number in range(MAX_FRAGMENTS):
        other = {**row, "doc_id": f"{number:032}"}
        documents.upsert("doc_id", pa.Table.from_pylist([other], schema=TABLES["documents"].schema))
    sound_bytes = (fresh.home.root / path).read_bytes()
    (fresh.home.root / path).write_bytes(bytes([sound_bytes[0] ^ 1]) + sound_bytes[1:])
    assert not table_files.compact(fresh.home, documents)
    with pytest.raises(TableBroken, match="does not match its checksum"):
        maintenance.compact(fresh.home, TABLES["documents"])
    with pytest.raises(TableBroken, match="does not match its checksum"):
        export_release(fresh.home, 1, tmp_path / "release.tar")
    (fresh.home.root / path).write_bytes(sound_bytes)
    assert table_files.compact(fresh.home, documents)


def test_a_release_of_an_older_version_is_said_to_have_no_checksums_and_the_next_ingest_adds_them(
    sound: Line,
) -> None:
    old = require_release(sound.home).model_copy(update={"files": {}})
    release_file(sound.home, 1).unlink()
    assert put_release(sound.home, old)
    report = scrubbed(sound)
    assert (report.damage, report.unchecked) == ((), ("documents", "chunks", "embeddings"))
    assert sound.run().published.new
    assert scrubbed(sound).unchecked == ()
    assert not sound.run().published.new


def test_scrub_never_fails_on_a_changed_byte_of_a_table(fresh: Line) -> None:
    """Lance reads most changed bytes without an error."""
    results = []
    for path in sorted((fresh.home.table("documents") / "data").glob("*.lance")):
        raw = path.read_bytes()
        for offset in range(0, len(raw), max(1, len(raw) // 8)):
            path.write_bytes(raw[:offset] + bytes([raw[offset] ^ 16]) + raw[offset + 1 :])
            results.append(bool(scrubbed(fresh).damage))
        path.write_bytes(raw)
    assert all(results)
    assert scrubbed(fresh).damage == ()


def test_scrub_names_the_only_row_that_cannot_be_read(fresh: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = next(row["doc_id"] for row in fresh.rows("documents", "doc_id", "path") if row["path"] == "gecko.md")
    real = LanceTable.read

    def failing(self: LanceTable, columns: Any = None, where: Any = None, version: Any = None) -> pa.Table:
        if columns is None and self.name == "documents" and bad in (where or ""):
            raise OSError("cannot decode")
        return real(self, columns, where, version)

    monkeypatch.setattr(LanceTable, "read", failing)
    damaged = [damage for damage in scrubbed(fresh).damage if damage.place == "table documents"]
    assert damaged == [Damage("table documents", bad, "it cannot be read: cannot decode", bad)]
