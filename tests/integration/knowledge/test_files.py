"""What became of every file: one fate for each, the same in the report, in `omni status`, in SQL and in `why-not`."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.files import SeenFile, count_fates, seen_files
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.pipeline.staleness import list_sources, record_unchanged
from omni_pipelines.refusals import Fate
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.steps.quarantine import quarantined
from omni_pipelines.text.readers.formats import READERS
from omni_pipelines.text.readers.registry import reader_for
from tests.integration.line import Line, Original, write
from tests.samples.every_kind import KINDS, fates_of_every_kind, fates_table
from tests.samples.fidelity import PAGE

LFS_POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0f' * 32}\nsize 12345\n"
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 4
FILES: dict[str, str | bytes] = {
    "guide.md": "Words about otters.\n",
    "TODO": "Words about herons.\n",
    "damaged.log": b"Words about walruses.\n" * 40 + b"\0\xff" + b"More words.\n" * 40,
    "cut.pdf": b"%PDF-1.7\n1 0 obj\n",
    "manual.pdf": LFS_POINTER,
    "blank.md": "   \n",
    "empty.md": "",
    "photo.png": b"\x89PNG\r\n\x1a\n",
    "program": PROGRAM,
    "large.txt": "word " * 500,
    "notes.bak": "Words.\n",
    "build/out.md": "Words.\n",
    ".gitignore": "*.bak\n",
}
FATES = {
    "guide.md": "read",
    "TODO": "read",
    "damaged.log": "partial",
    "cut.pdf": "quarantined",
    "manual.pdf": "pointer",
    "blank.md": "empty",
    "empty.md": "empty",
    "photo.png": "unknown kind",
    "program": "unknown kind",
    "large.txt": "too large",
    "notes.bak": "ignored",
    "build/": "ignored",
    ".gitignore": "ignored",
}


def fill(line: Line, docs: Path) -> None:
    line.settings = Settings(chunk_tokens=40, chunk_overlap=8, max_file_bytes=2_000)
    write(docs, FILES)
    line.add(docs)
    line.run()


@pytest.fixture
def ingested(original: Original, home: Home) -> Line:
    return original.copy(home)


def files(line: Line, *sources: str) -> list[SeenFile]:
    return seen_files(line.home, require_release(line.home), set(sources) or None)


def omni(line: Line, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(line.home.root)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_file_has_exactly_one_fate(ingested: Line) -> None:
    assert {file.path: file.fate.value for file in files(ingested)} == FATES
    assert len(files(ingested)) == len(FATES)
    counts = count_fates(ingested.home, require_release(ingested.home))
    assert {fate: sum(kinds.values()) for fate, kinds in counts.items()} == Counter(FATES.values())
    kinds = Counter((file.fate, file.kind) for file in files(ingested))
    assert {(fate, kind): count for fate, found in counts.items() for kind, count in found.items()} == kinds
    assert counts[Fate.IGNORED] == {"hidden": 1, ".gitignore": 1, "vendored folder": 1}


def test_a_file_of_every_kind_has_the_fate_that_the_page_names(tmp_path: Path) -> None:
    written = fates_table(fates_of_every_kind(tmp_path))
    assert f"<!-- fates: begin -->\n{written}" in PAGE.read_text("utf-8"), "run: python -m tests.samples.every_kind"
    assert not re.search(rf"\| ({Fate.UNKNOWN}|{Fate.IGNORED}|{Fate.EMPTY}|skipped)", written)


def test_folder_of_every_kind_has_a_file_for_each_reader() -> None:
    files = [name for names in KINDS.values() for name in names]
    names = {reader.name for name in files if (reader := reader_for(name)) is not None}
    assert {reader.name for reader in READERS if not reader.converts_to} - {"picture", "vim_help"} <= names


def test_files_inside_a_file_have_fates_until_that_file_changes(line: Line, docs: Path) -> None:
    inside: dict[str, str | bytes] = {
        "a.md": "Words.\n",
        "photo.png": "x",
        "empty.md": "",
        "node_modules/p.js": "x",
        "program": PROGRAM,
    }
    write(docs, {"pack.zip": packed(inside), "b.md": "Words.\n", "c.bak": "x", ".gitignore": "*.bak\n"})
    line.add(docs)
    line.run()
    expected = {
        "pack.zip/a.md": "read",
        "pack.zip/photo.png": "unknown kind",
        "pack.zip/empty.md": "empty",
        "pack.zip/node_modules/": "ignored",
        "pack.zip/program": "unknown kind",
    }
    for change in ({}, {"b.md": "Other words.\n"}):
        write(docs, change)
        line.run()
        assert {file.path: file.fate.value for file in files(line) if file.path.startswith("pack.zip/")} == expected
    record_unchanged(line.home, line.settings, list_sources(line.context))
    assert {file.path: file.fate.value for file in files(line) if file.path.startswith("pack.zip/")} == expected
    write(docs, {"pack.zip": packed({"a.md": "Words.\n"})})
    line.run()
    assert [file.path for file in files(line) if file.path.startswith("pack.zip/")] == ["pack.zip/a.md"]


def packed(inside: Mapping[str, str | bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, content in inside.items():
            archive.writestr(name, content)
    return raw.getvalue()


def test_a_file_of_an_unknown_kind_is_not_in_quarantine_and_not_read_again(ingested: Line, docs: Path) -> None:
    assert {row["path"] for row in quarantined(ingested.home)} == {
        "cut.pdf", "manual.pdf", "blank.md", "large.txt", "damaged.log"
    }  # fmt: skip
    again = ingested.run().documents
    assert (again.added, again.changed, again.quarantined, again.unread) == (0, 0, 4, 6)
    write(docs, {"program": "Words about badgers.\n"})
    assert ingested.run().documents.added == 1
    assert "program" not in {file.path for file in files(ingested) if file.fate != "read"}


def test_sql_status_and_why_not_name_the_files(ingested: Line) -> None:
    rows = run_sql(ingested.home, "select path, fate from files order by path")[1].rows
    assert rows == sorted(FATES.items())
    assert run_sql(ingested.home, "select count(*) from quarantine where code = 'E_KIND'")[1].rows == [(0,)]
    listed = json.loads(omni(ingested, "status", "--files", "unknown-kind", "--json"))["files"]
    assert [(file["path"], file["reason"]) for file in listed] == [
        ("photo.png", "no reader for image/png"),
        ("program", "no reader for programs (ELF)"),
    ]
    assert all(path in omni(ingested, "status", "--files") for path in FATES)
    for name, reason in {
        "notes.bak": ".gitignore:1: *.bak",
        "docs/build/out.md": "built-in rule: build holds third-party or generated files",
        "manual.pdf": "git lfs pull",
    }.items():
        said = omni(ingested, "why-not", "words", name)
        assert reason in said
        assert "The file was seen" in said


def test_a_wrong_fate_is_named_with_the_nearest_one(ingested: Line) -> None:
    done = CliRunner().invoke(app, ["status", "--files", "ignore", "--home", str(ingested.home.root)])
    assert isinstance(done.exception, ConfigurationError)
    assert done.exception.cure == "did you mean ignored?"


def test_an_ingest_without_changes_records_what_is_ignored_now(ingested: Line, docs: Path) -> None:
    write(docs, {"more.bak": "x"})
    record_unchanged(ingested.home, ingested.settings, list_sources(ingested.context))
    assert "more.bak" in {file.path for file in files(ingested)}
    before = ingested.home.unread_files.stat()
    record_unchanged(ingested.home, ingested.settings, list_sources(ingested.context))
    assert ingested.home.unread_files.stat().st_mtime_ns == before.st_mtime_ns


def test_a_viewer_sees_the_files_of_visible_sources_only(ingested: Line, tmp_path: Path) -> None:
    ingested.add(write(tmp_path / "secret", {"plan.md": "Words.\n", "photo.png": "x"}))
    tagged = [
        each.model_copy(update={"acl": ("hr",)} if each.name == "secret" else {})
        for each in load_sources(ingested.home)
    ]
    save_sources(ingested.home, tagged)
    ingested.run()
    statement = "select distinct source from files order by 1"
    assert run_sql(ingested.home, statement)[1].rows == [("docs",), ("secret",)]
    assert run_sql(ingested.home, statement, viewer=Viewer.of(()))[1].rows == [("docs",)]
    assert "photo.png" not in {file.path for file in files(ingested, "secret") if file.source == "docs"}


def test_files_of_a_removed_source_are_dropped(ingested: Line, tmp_path: Path) -> None:
    save_sources(ingested.home, [])
    ingested.add(write(tmp_path / "other", {"a.md": "Words.\n", "b.png": "x"}))
    ingested.run(allow_delete=True)
    assert {file.source for file in files(ingested)} == {"other"}


def test_a_damaged_list_of_unread_files_is_written_again(ingested: Line) -> None:
    ingested.home.unread_files.write_bytes(b'{"docs": [["a')
    assert {file.fate.value for file in files(ingested)}.isdisjoint({"ignored"})
    record_unchanged(ingested.home, ingested.settings, list_sources(ingested.context))
    assert {file.path: file.fate.value for file in files(ingested)} == FATES
