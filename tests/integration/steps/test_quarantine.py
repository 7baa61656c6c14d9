"""A bad file gets one row and stops nothing; it is tried again when it, its reader, or the weather changed."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from native.lance_tables import LanceTable
from omni_pipelines.pipeline.staleness import stale_ingest
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.schemas import QUARANTINE
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.file_reads import read_file
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.steps import documents
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import count_unread, quarantined, release_for_retry
from omni_pipelines.text.decoding import DecodedText
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import formats, registry
from tests.integration.hooked_session import ReadHook, read_unchanged
from tests.integration.line import Line, write

BAD = {
    "zeros.md": (b"\0\0\0\0", "E_BINARY"),
    "controls.txt": (b"\x01\x02\x03\x04 text", "E_BINARY"),
    "broken.md": (b"\xc3\xa4\xe2\x82", "E_ENCODING"),
    "blank.md": (b" \n\n \t\n", "E_EMPTY"),
    "silent.html": (b"<html><head><title>x</title></head><body><script>1</script></body></html>", "E_NO_TEXT"),
    "large.txt": (b"word " * 400, "E_TOO_LARGE"),
}


@pytest.fixture
def line(line: Line) -> Line:
    line.settings = Settings(chunk_tokens=40, chunk_overlap=8, max_file_bytes=1500)
    return line


def held(line: Line) -> dict[str, str]:
    return {row["path"]: row["code"] for row in line.rows("quarantine", "path", "code")}


def test_every_bad_file_gets_one_row_and_the_rest_goes_on(line: Line, docs: Path) -> None:
    write(docs, {name: raw for name, (raw, _) in BAD.items()} | {"good.md": "Words about walruses."})
    line.add(docs)
    done = line.run()
    assert held(line) == {name: code for name, (_, code) in BAD.items()}
    assert (done.documents.added, done.documents.quarantined) == (1, len(BAD))
    assert [hit.path for hit in line.search("walruses")] == ["good.md"]


def test_a_row_says_when_and_why(line: Line, docs: Path) -> None:
    write(docs, {"a.md": b"\0\0"})
    line.add(docs)
    line.ingest()
    (row,) = line.rows("quarantine")
    reader = registry.reader_for("a.md")
    assert reader is not None
    assert (row["stage"], row["attempts"], row["parser"]) == ("read", 1, reader.fingerprint)
    assert "zero bytes" in row["detail"]


def test_a_bad_file_that_did_not_change_is_not_tried_again(line: Line, docs: Path, reads: list[str]) -> None:
    write(docs, {"a.md": b"\0\0"})
    line.add(docs)
    line.run()
    before = line.versions()
    reads.clear()
    again = line.run()
    assert reads == []
    assert (again.documents.quarantined, again.documents.unchanged) == (1, 0)
    assert line.versions() == before
    assert [row["attempts"] for row in line.rows("quarantine", "attempts")] == [1]


def test_a_bad_file_that_is_still_bad_keeps_its_first_date(line: Line, docs: Path) -> None:
    write(docs, {"a.md": b"\0\0"})
    line.add(docs)
    line.ingest()
    (first,) = line.rows("quarantine")
    write(docs, {"a.md": b" "})
    line.ingest()
    (second,) = line.rows("quarantine")
    assert (second["code"], second["attempts"]) == ("E_EMPTY", 2)
    assert second["first_seen"] == first["first_seen"]


def test_a_mended_file_leaves_quarantine(line: Line, docs: Path) -> None:
    write(docs, {"a.md": b"\0\0"})
    line.add(docs)
    line.run()
    write(docs, {"a.md": "Words about walruses."})
    done = line.run()
    assert (done.documents.added, done.documents.quarantined) == (1, 0)
    assert held(line) == {}
    assert len(line.search("walruses")) == 1


def test_a_mended_file_leaves_quarantine_though_the_pass_that_read_it_was_killed(
    line: Line, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(docs, {"a.md": b"\0\0"})
    line.add(docs)
    line.ingest()
    write(docs, {"a.md": "Words about walruses."})
    with monkeypatch.context() as patch:
        patch.setattr(documents, "forget_refusals", killed)
        with pytest.raises(KeyboardInterrupt):
            line.ingest()
    line.ingest()
    assert held(line) == {}


def killed(*_: object) -> None:
    raise KeyboardInterrupt


class FirstLine(DocumentParser):
    """Reads the first line of each file."""

    def read(self, reader: formats.Reader, raw: bytes, name: str, charset: str = "") -> Parsed:
        first, _, rest = raw.decode().partition("\n")
        return Parsed(DecodedText(first, "utf-8", 0), name, partial="the rest was not read" if rest else "")


def test_a_file_that_is_read_in_part_is_a_document_that_quarantine_explains(
    line: Line, docs: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "DocumentParser", FirstLine)
    write(docs, {"a.txt": "Words about walruses.\nMore.", "b.txt": "Words about otters."})
    line.add(docs)
    done = line.run()
    counts = done.documents
    assert (counts.added, counts.quarantined, counts.partial, count_unread(line.home)) == (2, 0, 1, 0)
    partial = {row["path"]: row["partial"] for row in line.rows("documents", "path", "partial")}
    assert partial == {"a.txt": "the rest was not read", "b.txt": ""}
    assert held(line) == {"a.txt": "E_PARTIAL"}
    assert line.search("walruses")[0].path == "a.txt"
    reads.clear()
    assert (line.run().documents.partial, reads, held(line)) == (1, [], {"a.txt": "E_PARTIAL"})
    release_for_retry(line.home, quarantined(line.home))
    assert (line.run().documents.partial, reads) == (1, ["a.txt"])
    write(docs, {"a.txt": "Words about walruses."})
    assert (line.run().documents.partial, held(line)) == (0, {})


def test_a_bad_file_that_is_deleted_leaves_quarantine(line: Line, docs: Path) -> None:
    write(docs, {"a.md": b"\0\0", "b.md": "Words."})
    line.add(docs)
    line.ingest()
    (docs / "a.md").unlink()
    assert line.ingest().deleted == 0
    assert held(line) == {}


def test_a_file_that_turns_bad_loses_its_old_text(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words about walruses.", "b.md": "Other words."})
    line.add(docs)
    line.run()
    write(docs, {"a.md": b"\0\0"})
    line.run()
    assert held(line) == {"a.md": "E_BINARY"}
    assert [hit.path for hit in line.search("walruses", k=100)] == ["b.md"]


def test_a_quarantined_file_is_read_again_by_a_newer_reader(line: Line, docs: Path, reads: list[str]) -> None:
    write(docs, {"a.html": "<script>1</script>", "b.md": b"\0\0"})
    line.add(docs)
    line.ingest()
    reads.clear()
    quarantine = LanceTable(line.home.table("quarantine"))
    older = [{**row, "parser": "html/0"} for row in quarantine.read().to_pylist() if row["path"] == "a.html"]
    quarantine.upsert("quarantine_id", pa.Table.from_pylist(older, schema=QUARANTINE.schema))
    line.ingest()
    assert reads == ["a.html"]


@pytest.mark.parametrize("code", ["E_CHANGED", "E_VANISHED", "E_PERM", "E_IO"])
def test_a_passing_error_keeps_the_stored_text(line: Line, docs: Path, code: str) -> None:
    write(docs, {"a.md": "Words about walruses."})
    line.add(docs)
    line.run()
    write(docs, {"a.md": "Newer words about walruses."})
    line.read_hook = failing(code)
    done = line.run()
    assert (
        done.documents.quarantined,
        done.documents.changed,
        done.documents.deleted,
    ) == (1, 0, 0)
    assert held(line) == {"a.md": code}
    assert line.search("walruses")[0].text == "Words about walruses."


@pytest.mark.parametrize("code", ["E_CHANGED", "E_VANISHED", "E_IO"])
def test_after_a_passing_error_the_next_pass_tries_again(line: Line, docs: Path, code: str) -> None:
    write(docs, {"a.md": "Words about walruses."})
    line.add(docs)
    line.read_hook = failing(code)
    line.ingest()
    line.read_hook = read_unchanged
    line.run()
    assert held(line) == {}
    assert line.search("walruses")[0].text == "Words about walruses."


def failing(code: str) -> ReadHook:
    def refuse(read: ReadFile, file: SourceFile, limit: int) -> FileContent:
        raise Unreadable(RefusalCode(code), "for a test")

    return refuse


# --- reading one file


def test_a_file_is_read_with_the_mark_of_its_listing(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words."})
    line.add(docs)
    line.ingest()
    (row,) = line.rows("documents")
    assert row["stat"].startswith("6:")
    raw, mark = read_file(docs / "a.md", 6)
    assert (raw, mark) == (b"Words.", row["stat"])


def test_links_folders_pipes_and_absent_files_are_refused(docs: Path) -> None:
    write(docs, {"a.md": "Words."})
    (docs / "link").symlink_to(docs / "a.md")
    (docs / "folder").mkdir()
    os.mkfifo(docs / "pipe")
    codes = {}
    for name in ("link", "folder", "pipe", "none"):
        with pytest.raises(Unreadable) as refused:
            read_file(docs / name, 100)
        codes[name] = refused.value.code
    assert codes == {"link": "E_SYMLINK", "folder": "E_NOT_REGULAR", "pipe": "E_NOT_REGULAR", "none": "E_VANISHED"}


def test_a_file_that_grows_while_it_is_read_is_refused(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(docs, {"a.md": "Words."}) / "a.md"
    real = os.fdopen

    def growing(handle: int, mode: str) -> object:
        with path.open("a") as file:
            file.write(" More.")
        return real(handle, mode)

    monkeypatch.setattr(os, "fdopen", growing)
    with pytest.raises(Unreadable, match="E_CHANGED"):
        read_file(path, 100)


def test_a_file_that_changed_while_it_was_read_is_due_again(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words."})
    line.add(docs)
    line.read_hook = failing("E_CHANGED")
    line.run()
    line.read_hook = read_unchanged
    due = stale_ingest(line.context)
    assert due is not None
