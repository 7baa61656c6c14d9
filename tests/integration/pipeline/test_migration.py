"""Homes live longer than schemas: columns of an earlier version of omni, and columns of users, in every command."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from native import lance_columns
from native.lance_tables import LanceTable
from omni_pipelines.erasure.erase import erase
from omni_pipelines.home import Home
from omni_pipelines.operations import maintenance, user_columns
from omni_pipelines.operations.user_columns import NewColumn
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.publish import publish
from omni_pipelines.records import Migration
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, TABLES
from omni_pipelines.steps.checks import Verdict, check_chunks, check_documents, check_embeddings
from tests.integration.line import Line, paragraph, texts, write
from tests.samples import old_homes

FIRST = {
    "documents": ["stored_hash", "encoding_probability", "partial", "masking", "findings", "masked", "acl"],
    "chunks": ["page", "acl", "modified"],
    "embeddings": ["acl", "modified"],
}
"""The columns that the tables of the first version lack."""
SHAPES = {
    "the first": FIRST,
    "before tags": {**FIRST, "documents": ["encoding_probability", "partial", "acl"], "chunks": ["acl", "modified"]},
    "before parts": {"documents": ["encoding_probability", "partial"]},
}
"""What tables of earlier versions lack, by what was new then."""
OWN = NewColumn(name="owner", data_type="Utf8")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """A home with one release of three documents; a fourth file is in quarantine."""
    folder = tmp_path_factory.mktemp("base")
    line = Line(Home(folder / ".omni"))
    files = {f"{name}.md": paragraph(name) for name in ("apple", "badger", "candle")}
    line.add(write(folder / "docs", {**files, "damaged.md": b"\0\0"}))
    line.run()
    return line


@pytest.fixture
def copied(base: Line, tmp_path: Path) -> Line:
    """A copy of the home, which reads the same files."""
    home = Home(tmp_path / "copy" / ".omni")
    shutil.copytree(base.home.root, home.root)
    return Line(home)


def age(line: Line, lacking: dict[str, list[str]]) -> None:
    """Take columns from the tables, and publish that, as an earlier version of omni would have."""
    for name, columns in lacking.items():
        with maintenance.rows_unchanged(line.home, TABLES[name]) as table, table.lease() as dataset:
            dataset.drop_columns(columns)
    publish(line.context)


def failed(line: Line) -> list[Verdict]:
    """The checks of the tables that do not pass."""
    verdicts = [*check_documents(line.home), *check_chunks(line.home, line.settings), *check_embeddings(line.home)]
    return [verdict for verdict in verdicts if not verdict.passed]


def migrations(line: Line) -> list[Migration]:
    return [Migration.model_validate(orjson.loads(row)) for row in line.home.migrations.read_bytes().splitlines()]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_home_of_an_earlier_version_is_read_and_then_brought_up_to_date(
    copied: Line, base: Line, shape: str
) -> None:
    age(copied, SHAPES[shape])
    assert copied.search("apple shed")[0].path == "apple.md"
    assert copied.librarian().show("badger.md:1").text
    done = copied.run()
    assert done.published.new
    assert failed(copied) == []
    assert {name: copied.rows(name) for name in TABLES} == {name: base.rows(name) for name in TABLES}
    assert done.embeddings.embedded == 0
    assert {each.table: list(each.columns) for each in migrations(copied)} == {
        name: [column for column in TABLES[name].schema.names if column in columns]
        for name, columns in SHAPES[shape].items()
    }
    assert not copied.run().published.new
    assert copied.librarian(2).search("apple shed")[0].path == "apple.md"


def test_there_is_a_home_of_this_version_for_the_next_ones() -> None:
    assert (old_homes.FOLDER / f"{version('omni-pipelines')}.tar.xz").exists(), (
        "run: python -m tests.samples.old_homes"
    )


@pytest.mark.parametrize("archive", sorted(old_homes.FOLDER.iterdir()), ids=lambda archive: archive.name)
def test_a_home_of_every_released_version_is_read_and_continued(archive: Path, tmp_path: Path) -> None:
    line = old_homes.unpack(archive, tmp_path / "moved")
    assert [hit.path for hit in line.search("walrus badger")] == ["walrus.md"]  # the badger was rolled back
    write(tmp_path / "moved" / "docs", {"candle.md": paragraph("candle")})
    assert line.run().published.new
    assert failed(line) == []
    assert {hit.path for hit in line.search("walrus badger candle")} == {"walrus.md", "badger.md", "candle.md"}
    assert line.librarian(2).search("badger")[0].path == "badger.md"
    with writer_session(line.home, line.settings):
        erase(line.context, "badger.md")
    assert texts(line).keys() == {"walrus.md", "candle.md"}


def test_a_migration_that_was_killed_is_completed(copied: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    age(copied, FIRST)
    add_columns, changed = lance_columns.add_columns, []

    def killed(table: LanceTable, columns: list[pa.Field]) -> None:
        changed.append(table.name)
        if len(changed) > 1:
            raise KeyboardInterrupt
        add_columns(table, columns)

    with monkeypatch.context() as patch:
        patch.setattr(lance_columns, "add_columns", killed)
        with pytest.raises(KeyboardInterrupt):
            copied.run()
    assert copied.run().published.new
    assert failed(copied) == []
    assert texts(copied).keys() == {"apple.md", "badger.md", "candle.md"}


def test_a_document_of_an_earlier_version_is_forgotten_before_anything_else_runs(copied: Line) -> None:
    age(copied, FIRST)
    with writer_session(copied.home, copied.settings):
        erase(copied.context, "apple.md")
    assert copied.search("apple shed", k=30)[0].path != "apple.md"
    assert copied.run().published is not None
    assert texts(copied).keys() == {"badger.md", "candle.md"}


def test_columns_of_users_are_kept_by_every_command(line: Line, docs: Path) -> None:
    home = line.home
    line.add(write(docs, {f"{name}.md": paragraph(name) for name in ("apple", "badger", "candle")}))
    line.run()
    with writer_session(home, line.settings):
        for name in TABLES:
            user_columns.add_columns(home, name, [OWN])
        for name in (DOCUMENTS.name, CHUNKS.name):
            with maintenance.rows_unchanged(home, TABLES[name]) as table, table.lease() as dataset:
                dataset.update({"owner": "'ada'"}, "path = 'badger.md'")
        maintenance.publish_if_consistent(home, line.settings, "omni db")
    write(docs, {"apple.md": paragraph("ant"), "dog.md": paragraph("dog"), "worse.md": b"\0"})
    assert line.run().published.new
    home.config.write_text('[codecs]\n"chunks.text" = "zstd:9"\n"documents.text" = "zstd:9"\n')
    with writer_session(home, line.settings):
        assert maintenance.migrate(home, DOCUMENTS)
        assert maintenance.migrate(home, CHUNKS)
        for definition in TABLES.values():
            maintenance.compact(home, definition)
        maintenance.publish_if_consistent(home, line.settings, "omni db")
        erase(line.context, "candle.md")
    assert failed(line) == []
    for name in (DOCUMENTS.name, CHUNKS.name):
        assert {(row["path"], row["owner"]) for row in line.rows(name, "path", "owner")} == {
            ("apple.md", None),
            ("badger.md", "ada"),
            ("dog.md", None),
        }
    assert line.search("dog shed")[0].path == "dog.md"
    with writer_session(home, line.settings):
        user_columns.drop_columns(home, CHUNKS.name, ["owner"])
    write(docs, {"apple.md": paragraph("apple")})
    assert line.run().published.new


def test_a_column_of_a_user_with_the_name_of_a_new_one_of_ours_is_renamed(copied: Line) -> None:
    age(copied, SHAPES["before parts"])
    with maintenance.rows_unchanged(copied.home, DOCUMENTS) as table, table.lease() as dataset:
        dataset.add_columns([pa.field("partial", pa.string())])
    copied.run()
    assert failed(copied) == []
    assert {row["partial_2"] for row in copied.rows("documents", "partial_2")} == {None}
    assert migrations(copied)[0].renamed == {"partial": "partial_2"}
