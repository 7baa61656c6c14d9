"""Sources are added, shown and removed by name; omni.toml may declare them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.home import Home
from omni_pipelines.pipeline.staleness import stale_ingest
from omni_pipelines.sources.registry import load_sources, register_paths
from tests.integration.line import Line


def run(home: Home, *words: str) -> Result:
    return CliRunner().invoke(app, ["source", *words, "--home", str(home.root)])


def json_of(home: Home, *words: str) -> Any:
    done = run(home, *words, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


@pytest.fixture
def notes(docs: Path) -> Path:
    (docs / "otter.md").write_text("# Otter\n\nOtters hold hands.\n")
    (docs / "draft.md").write_text("# Draft\n\nNot yet.\n")
    return docs


def test_added_source_is_listed_shown_and_read(line: Line, notes: Path) -> None:
    added = json_of(
        line.home, "add", str(notes), "--name", "notes", "--exclude", "draft*", "--acl", "hr", "--acl", "eu"
    )
    assert (added["name"], added["kind"], added["files"], added["acl"]) == ("notes", "files", 1, ["eu", "hr"])
    line.run()
    (listed,) = json_of(line.home, "list")["sources"]
    assert (listed["name"], listed["documents"], listed["exclude"]) == ("notes", 1, ["draft*"])
    shown = json_of(line.home, "show", "notes")
    assert (shown["location"], shown["chunk_tokens"], shown["mask_secrets"]) == (str(notes), 256, True)
    assert "notes" in run(line.home, "list").stdout


def test_removed_source_loses_its_documents_at_the_next_ingest(line: Line, notes: Path, tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("Stays.\n")
    json_of(line.home, "add", str(notes))
    json_of(line.home, "add", str(tmp_path / "other.md"))
    line.run()
    assert run(line.home, "remove", "docs", "--yes").exit_code == 0
    line.run()
    assert [row["path"] for row in line.rows("documents")] == ["other.md"]


def test_source_remove_without_a_terminal_needs_yes(line: Line, notes: Path) -> None:
    json_of(line.home, "add", str(notes))
    refused = run(line.home, "remove", "docs")
    assert isinstance(refused.exception, ConfigurationError)
    assert refused.exception.exit_code == 2
    assert "omni source remove docs --yes" in refused.exception.cure
    assert len(load_sources(line.home)) == 1


@pytest.mark.parametrize(
    ("words", "error", "why"),
    [
        (["add", "nowhere"], SourceMissing, "is not there"),
        (["add", "docs", "--name", "a b"], ConfigurationError, "is not a valid name"),
        (["add", "docs", "--acl", "a b"], ConfigurationError, "is not a valid tag"),
        (["add", "docs", "--rev", "main"], SourceMissing, "not a git repository"),
        (["show", "dcos"], ConfigurationError, "no source"),
    ],
)
def test_wrong_source_is_refused_and_not_registered(
    line: Line, notes: Path, words: list[str], error: type[Exception], why: str
) -> None:
    line.home.create()
    done = run(line.home, *words)
    assert isinstance(done.exception, error)
    assert why in str(done.exception)
    assert load_sources(line.home) == []


def test_location_or_name_that_is_registered_is_refused(line: Line, notes: Path, tmp_path: Path) -> None:
    json_of(line.home, "add", str(notes))
    (tmp_path / "more").mkdir()
    assert "already" in str(run(line.home, "add", str(notes)).exception)
    assert "already" in str(run(line.home, "add", str(tmp_path / "more"), "--name", "docs").exception)


def declare(line: Line, text: str) -> None:
    line.home.create()
    line.home.config.write_text(text)
    line.settings = line.settings.model_copy(update={"sources": load_settings(line.home).sources})


def test_source_declared_in_omni_toml_is_read(line: Line, notes: Path) -> None:
    declare(line, '[sources.papers]\nlocation = "docs"\nexclude = ["draft*"]\nacl = ["hr"]\n')
    line.run()
    assert [(row["source"], row["path"], row["acl"]) for row in line.rows("documents")] == [
        ("papers", "otter.md", ["hr"])
    ]
    (listed,) = json_of(line.home, "list")["sources"]
    assert (listed["name"], listed["declared"]) == ("papers", True)


def test_source_no_longer_declared_keeps_its_documents_with_a_warning(line: Line, notes: Path) -> None:
    declare(line, '[sources.papers]\nlocation = "docs"\n')
    line.run()
    declare(line, "")
    done = line.run()
    assert len(line.rows("documents")) == 2
    assert any("omni source remove papers" in warning for warning in done.documents.warnings)


def test_declared_source_is_not_removed_by_the_command(line: Line, notes: Path) -> None:
    declare(line, '[sources.papers]\nlocation = "docs"\n')
    line.run()
    assert "delete it there" in getattr(run(line.home, "remove", "papers", "--yes").exception, "cure", "")


def test_newly_declared_source_is_stale(line: Line, notes: Path, tmp_path: Path) -> None:
    declare(line, '[sources.papers]\nlocation = "docs"\n')
    line.run()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "moose.md").write_text("A moose.\n")
    before = stale_ingest(line.context)
    declare(line, '[sources.papers]\nlocation = "docs"\n[sources.more]\nlocation = "more"\n')
    assert stale_ingest(line.context) != before


def test_ingest_fails_where_the_only_declared_location_is_missing(line: Line) -> None:
    declare(line, '[sources.papers]\nlocation = "nowhere"\n')
    with pytest.raises(SourceMissing, match="nowhere"):
        line.run()


def test_ingest_dry_run_includes_declared_sources(line: Line, notes: Path) -> None:
    declare(line, '[sources.papers]\nlocation = "docs"\nexclude = ["draft*"]\n')
    done = CliRunner().invoke(app, ["ingest", "--dry-run", "--json", "--home", str(line.home.root)])
    assert done.exit_code == 0, done.exception
    assert "otter.md" in done.stdout
    assert "draft.md" not in done.stdout


def test_path_inside_a_source_is_refused(line: Line, notes: Path) -> None:
    (notes / "sub").mkdir()
    (notes / "sub" / "moose.md").write_text("A moose.\n")
    json_of(line.home, "add", str(notes))
    for inside in ("sub", "sub/moose.md"):
        refused = run(line.home, "add", str(notes / inside)).exception
        assert isinstance(refused, ConfigurationError)
        assert "moose.md would be indexed twice: source docs reads them" in str(refused)
        assert "--exclude" in refused.cure
    assert [source.name for source in load_sources(line.home)] == ["docs"]


def test_folder_around_a_source_is_added_only_without_its_files(line: Line, notes: Path) -> None:
    (notes / "sub").mkdir()
    (notes / "sub" / "moose.md").write_text("A moose.\n")
    json_of(line.home, "add", str(notes / "sub"))
    assert "moose.md would be indexed twice" in str(run(line.home, "add", str(notes)).exception)
    assert json_of(line.home, "add", str(notes), "--exclude", "sub/")["files"] == 2
    line.run()
    assert sorted((row["source"], row["path"]) for row in line.rows("documents")) == [
        ("docs", "draft.md"),
        ("docs", "otter.md"),
        ("sub", "moose.md"),
    ]


def test_path_inside_a_declared_source_belongs_to_that_source(line: Line, notes: Path) -> None:
    declare(line, '[sources.papers]\nlocation = "docs"\n')
    assert "would be indexed twice: source papers" in str(run(line.home, "add", str(notes / "otter.md")).exception)
    assert register_paths(line.home, line.settings, [notes / "otter.md"]) == ["papers"]
    assert load_sources(line.home) == []
    line.run()
    assert register_paths(line.home, line.settings, [notes / "otter.md"]) == ["papers"]
    assert [source.name for source in load_sources(line.home)] == ["papers"]


def test_folder_around_a_declared_source_does_not_replace_it(line: Line, notes: Path) -> None:
    declare(line, '[sources.papers]\nlocation = "docs"\n')
    with pytest.raises(ConfigurationError, match="declares as source papers"):
        register_paths(line.home, line.settings, [notes.parent])
    assert load_sources(line.home) == []


def test_settings_of_omni_toml_are_not_written_to_the_registry(line: Line, notes: Path, tmp_path: Path) -> None:
    json_of(line.home, "add", str(notes))
    declare(line, '[sources.docs]\nacl = ["hr"]\n')
    (tmp_path / "other.md").write_text("Stays.\n")
    register_paths(line.home, line.settings, [tmp_path / "other.md"])
    assert [(source.name, source.acl) for source in load_sources(line.home)] == [("docs", ()), ("other.md", ())]
