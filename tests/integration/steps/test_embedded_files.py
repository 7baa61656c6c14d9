"""Files inside a file: each is a document of its own, read again only when the file around it changed."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path

import pyarrow as pa
import pytest

from native.lance_tables import LanceTable
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.steps.file_reading import ContentReader, EmbeddingLimits, FileReader, ReadDocument
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import Refusal, quarantined, release_for_retry
from omni_pipelines.testing.assertions import assert_citation
from omni_pipelines.text.readers.registry import reader_named
from omni_pipelines.workers import ThisProcess
from tests.integration.line import Line, refused, texts, write


def mail(attached: Mapping[str, bytes], subject: str = "Offer") -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "ada@example.org", subject
    message.set_content("See what is attached.")
    for name, raw in attached.items():
        message.add_attachment(raw, "application", "octet-stream", filename=name)
    return message.as_bytes()


TERMS = {"terms.txt": b"The warranty lasts two years.\n", "photo.png": b"\x89PNG", "empty.txt": b""}


@pytest.fixture
def read(line: Line) -> list[str]:
    """The paths of the files that are read from now on."""
    paths: list[str] = []

    def hook(read: ReadFile, file: SourceFile, limit: int) -> FileContent:
        paths.append(file.path)
        return read(file, limit)

    line.read_hook = hook
    return paths


def test_attachment_is_a_document_whose_citation_names_the_mail_and_opens(line: Line, docs: Path) -> None:
    line.add(write(docs, {"in/offer.eml": mail(TERMS)}))
    assert line.run().documents.counts["added"] == 2
    assert texts(line)["in/offer.eml"].endswith("Attachments: terms.txt, photo.png, empty.txt")
    hit = next(hit for hit in line.search("warranty lasts") if hit.path == "in/offer.eml/terms.txt")
    assert_citation(hit, Snapshot.open(line.home))
    passage = line.librarian().show(hit.citation)
    assert (passage.text, passage.citation) == ("The warranty lasts two years.", "docs/in/offer.eml/terms.txt:1")
    assert (passage.from_file, passage.note) == (True, "")
    write(docs, {"in/offer.eml": mail({"terms.txt": b"Another."})})
    assert "changed since this release" in line.librarian().show(hit.citation).note


def test_unchanged_file_is_not_read_again_for_what_is_inside(line: Line, docs: Path, read: list[str]) -> None:
    line.add(write(docs, {"offer.eml": mail({**TERMS, "bad.pdf": b"%PDF-"})}))
    first = line.ingest().counts
    assert (first["added"], first["quarantined"], refused(line)) == (2, 1, {"offer.eml/bad.pdf": "E_PARSE"})
    read.clear()
    again = line.ingest().counts
    assert (again["unchanged"], again["quarantined"], again["changed"], read) == (2, 1, 0, [])


def test_changed_file_changes_adds_and_deletes_what_is_inside(line: Line, docs: Path) -> None:
    files = {name: name.encode() for name in ("same.txt", "other.txt", "gone.txt")} | {"bad.pdf": b"%PDF-"}
    line.add(write(docs, {"offer.eml": mail(files)}))
    line.ingest()
    write(docs, {"offer.eml": mail({"same.txt": b"same.txt", "other.txt": b"else", "new.txt": b"new"}, "Again")})
    report = line.ingest()
    assert (report.added, report.changed, report.deleted, report.unchanged, report.quarantined) == (1, 2, 1, 1, 0)
    assert sorted(texts(line)) == ["offer.eml", *(f"offer.eml/{name}.txt" for name in ("new", "other", "same"))]
    assert refused(line) == {}


def test_deleted_file_takes_along_what_was_inside(line: Line, docs: Path) -> None:
    line.add(write(docs, {"offer.eml": mail({**TERMS, "bad.pdf": b"%PDF-"}), "note.md": "Stays."}))
    line.ingest()
    (docs / "offer.eml").unlink()
    assert line.ingest().deleted == 2
    assert (list(texts(line)), refused(line)) == (["note.md"], {})


def test_renamed_file_with_many_inside_needs_no_permission_to_delete(line: Line, docs: Path) -> None:
    line.add(write(docs, {"offer.eml": mail({f"{number}.txt": b"Words." for number in range(5)})}))
    line.ingest()
    (docs / "offer.eml").rename(docs / "order.eml")
    report = line.ingest()
    assert (report.added, report.deleted, len(texts(line))) == (6, 6, 6)


def test_file_that_cannot_be_parsed_any_more_takes_along_what_was_inside(line: Line, docs: Path) -> None:
    line.add(write(docs, {"offer.eml": mail(TERMS)}))
    line.ingest()
    write(docs, {"offer.eml": b"No headers at all.\n"})
    line.ingest()
    assert (texts(line), refused(line)) == ({}, {"offer.eml": "E_PARSE"})


def test_retry_of_a_file_inside_another_reads_the_outer_one(line: Line, docs: Path, read: list[str]) -> None:
    line.add(write(docs, {"offer.eml": mail({**TERMS, "bad.pdf": b"%PDF-"})}))
    line.ingest()
    read.clear()
    release_for_retry(line.home, quarantined(line.home, "offer.eml/bad.pdf"))
    line.ingest()
    assert read == ["offer.eml"]


def test_pattern_that_excludes_a_file_inside_another_removes_its_document(line: Line, docs: Path) -> None:
    line.add(write(docs, {"offer.eml": mail({**TERMS, "b.md": b"Words."})}))
    line.ingest()
    save_sources(line.home, [each.model_copy(update={"exclude": ("*.txt",)}) for each in load_sources(line.home)])
    line.ingest()
    assert list(texts(line)) == ["offer.eml", "offer.eml/b.md"]


def test_what_a_killed_run_left_inside_a_file_is_read_again(line: Line, docs: Path, read: list[str]) -> None:
    line.add(write(docs, {"offer.eml": mail({"a.txt": b"one"})}))
    line.ingest()
    rows = [row for row in line.rows("documents") if row["path"] == "offer.eml/a.txt"]
    table = LanceTable(line.home.table("documents"))
    table.upsert("doc_id", pa.Table.from_pylist([{**rows[0], "stat": "before"}], schema=DOCUMENTS.schema))
    read.clear()
    assert (line.ingest().unchanged, read) == (2, ["offer.eml"])
    assert line.ingest().unchanged == 2
    assert read == ["offer.eml"]


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


MAILBOX = (
    b"From ada@example.org Mon Jan  5 10:00:00 2026\n" + mail({"terms.txt": b"Two years."}) + b"\n"
    b"From bob@example.org Tue Jan  6 10:00:00 2026\nSubject: Second\n\nWords.\n"
)
PACKED: dict[str, bytes | str] = {
    "docs/Übersicht.md": "# Otters\n\nThey hold hands.\n",
    "inner.zip": zipped({"deep.md": "Deep words.", "offer.eml": mail({"terms.txt": b"Two years."})}),
    "notes.txt.gz": gzip.compress(b"Packed words.\n"),
    "photo.png": b"\x89PNG",
    ".hidden.md": "Hidden.",
    "node_modules/x/readme.md": "Vendored.",
    "empty.md": "",
    "../out.md": "Leads out.",
}


def test_files_in_archives_and_mailboxes_are_documents(line: Line, docs: Path) -> None:
    line.add(write(docs, {"all.zip": zipped(PACKED), "Inbox": MAILBOX}))
    line.ingest()
    found = texts(line)
    assert found["all.zip"].splitlines() == list(PACKED)
    assert found["Inbox"].splitlines() == ["1.eml Offer", "2.eml Second"]
    assert {path: text for path, text in found.items() if path.startswith("all.zip/") and "eml" not in path} == {
        "all.zip/docs/Übersicht.md": "# Otters\n\nThey hold hands.\n",
        "all.zip/inner.zip": "deep.md\noffer.eml",
        "all.zip/inner.zip/deep.md": "Deep words.",
        "all.zip/notes.txt.gz": "notes.txt",
        "all.zip/notes.txt.gz/notes.txt": "Packed words.\n",
    }
    assert found["all.zip/inner.zip/offer.eml/terms.txt"] == found["Inbox/1.eml/terms.txt"] == "Two years."
    assert found["Inbox/2.eml"] == "Subject: Second\n\nWords."
    assert refused(line) == {"all.zip/../out.md": "E_PATH"}
    assert line.ingest().unchanged == len(found)


def test_archive_too_large_for_memory_is_read_in_place(line: Line, docs: Path, read: list[str]) -> None:
    line.settings = line.settings.model_copy(update={"max_binary_bytes": 300, "max_file_bytes": 300})
    files = {f"{number}.md": f"Words {number}." for number in range(9)} | {"large.md": "word " * 100}
    line.add(write(docs, {"all.zip": zipped(files)}))
    assert line.ingest().counts["added"] == 10
    assert refused(line) == {"all.zip/large.md": "E_TOO_LARGE"}
    read.clear()
    assert (line.ingest().unchanged, read) == (10, [])


def test_files_in_an_archive_are_read_only_while_the_settings_say_so(line: Line, docs: Path) -> None:
    unpacked = line.settings
    packed = unpacked.model_copy(update={"unpack_archives": False})
    line.add(write(docs, {"all.zip": zipped({"a.md": "Words."}), "offer.eml": mail(TERMS)}))
    mails = ["offer.eml", "offer.eml/terms.txt"]
    for settings, archive in ((packed, ["all.zip"]), (unpacked, ["all.zip", "all.zip/a.md"]), (packed, ["all.zip"])):
        line.settings = settings
        line.ingest()
        assert sorted(texts(line)) == [*archive, *mails]
        assert refused(line) == ({"all.zip": "E_PARTIAL"} if settings is packed else {})
        assert line.ingest().unchanged == len(texts(line))


def test_archive_that_is_damaged_keeps_its_name_in_quarantine(line: Line, docs: Path) -> None:
    line.add(write(docs, {"all.zip": zipped({"a.md": "Words."})}))
    line.ingest()
    write(docs, {"all.zip": b"PK\x03\x04 no more"})
    line.ingest()
    assert (texts(line), refused(line)) == ({}, {"all.zip": "E_PARSE"})


def found_in(raw: bytes, limits: EmbeddingLimits) -> list[ReadDocument | Refusal]:
    """What a mail yields within limits."""
    file = SourceFile("a.eml", len(raw), 0, "mark", reader_named("mail"))
    with DocumentParser() as parser:
        contents = ContentReader(Source(name="x", root=Path("/x")), Settings(), parser, limits)
        reader = FileReader(lambda *_: FileContent(raw, "mark"), contents, ThisProcess())
        ((_, found),) = reader.read_all([file])
        return list(found)


@pytest.mark.parametrize(
    ("limits", "paths", "reason"),
    [
        (
            EmbeddingLimits(files=1),
            ["a.eml/1.txt", "a.eml"],
            "2 of the files inside it were not read: more than 1 files",
        ),
        (EmbeddingLimits(file_bytes=9), ["a.eml/1.txt", "a.eml"], "more than 20,000 files or 0 MiB"),
        (EmbeddingLimits(depth=0), ["a.eml"], "they are more than 0 levels deep"),
        (EmbeddingLimits(), ["a.eml/1.txt", "a.eml/2.txt", "a.eml/3.txt", "a.eml"], ""),
    ],
)
def test_files_inside_beyond_a_limit_make_the_outer_one_partial(
    limits: EmbeddingLimits, paths: list[str], reason: str
) -> None:
    found = found_in(mail({f"{number}.txt": b"Words." for number in (1, 2, 3)}), limits)
    assert [each.file.path for each in found] == paths
    assert isinstance(found[-1], ReadDocument)
    assert reason in found[-1].row["partial"]
