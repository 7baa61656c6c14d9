"""Sources that came with the folder of somebody else: what leads out of it is read by nobody until it is claimed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from omni_pipelines.configuration import load_settings, user_folder
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.records import body_of, sealed_document
from omni_pipelines.settings import Settings
from omni_pipelines.sources.claims import NOBODY
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.registry import (
    add_source,
    current_sources,
    load_sources,
    reads,
    register_paths,
    save_sources,
    unclaimed_notes,
)
from tests.integration.line import Line, write


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "project" / HOME_NAME)
    home.create()
    (tmp_path / "private").mkdir()
    return home


def foreign(home: Home, *sources: Source) -> None:
    """A registry as it comes with a folder of somebody else."""
    home.sources.write_bytes(orjson.dumps({"sources": [source.model_dump(mode="json") for source in sources]}))


def outside(home: Home) -> Source:
    return Source(name="notes", root=home.root.parent.parent / "private")


def read_here(home: Home, settings: Settings | None = None) -> list[str]:
    sources = load_sources(home) if settings is None else current_sources(home, settings)
    return [source.name for source in sources if reads(home)(source)]


LEADING_OUT: dict[str, Callable[[Home], Source]] = {
    "a folder": outside,
    "a relative path": lambda home: Source(name="notes", root=home.root.parent / ".." / "private"),
    "a file": lambda home: Source(name="notes", root=home.root.parent.parent / "private", file="key.txt"),
    "a website": lambda _: Source(name="notes", url="http://10.0.0.1/sitemap.xml", kind=SourceKind.WEB),
    "a bucket": lambda _: Source(name="notes", url="s3://bucket/prefix", kind=SourceKind.OBJECTS),
    "a repository": lambda home: Source(
        name="notes", root=home.root.parent.parent / "private", rev="main", kind=SourceKind.GIT
    ),
}


@pytest.mark.parametrize("kind", LEADING_OUT)
def test_foreign_source_that_leads_out_is_read_by_nobody_and_is_named(home: Home, kind: str) -> None:
    foreign(home, LEADING_OUT[kind](home))
    assert read_here(home) == []
    (note,) = unclaimed_notes(home)
    assert "omni source claim notes" in note


def test_foreign_link_that_leads_out_is_read_by_nobody(home: Home, tmp_path: Path) -> None:
    link = home.root.parent / "docs"
    link.symlink_to(tmp_path / "private")
    foreign(home, Source(name="notes", root=link))
    assert read_here(home) == []


def test_foreign_source_inside_the_folder_is_read(home: Home) -> None:
    foreign(home, Source(name="docs", root=home.root.parent / "docs"))
    assert read_here(home) == ["docs"]
    assert unclaimed_notes(home) == []


def test_source_that_a_person_named_is_read_also_after_the_home_is_copied(home: Home, tmp_path: Path) -> None:
    save_sources(home, [outside(home)])
    shutil.copytree(home.root.parent, tmp_path / "copy")
    assert read_here(home) == read_here(Home(tmp_path / "copy" / HOME_NAME)) == ["notes"]


def test_claim_ends_when_somebody_replaces_the_folder_by_a_link(home: Home, tmp_path: Path) -> None:
    docs = home.root.parent / "docs"
    docs.mkdir()
    save_sources(home, [Source(name="docs", root=docs)])
    docs.rmdir()
    docs.symlink_to(tmp_path / "private")
    assert read_here(home) == []


@pytest.mark.parametrize("change", [{"root": "/etc"}, {"file": "passwd"}, {"allow_private": True}])
def test_claim_ends_when_somebody_changes_where_the_source_leads(home: Home, change: dict[str, object]) -> None:
    save_sources(home, [outside(home)])
    registry = body_of(home.sources.read_bytes())
    registry["sources"][0] |= change
    home.sources.write_bytes(sealed_document(registry))
    assert read_here(home) == []


def test_claim_of_another_user_counts_for_nothing(home: Home) -> None:
    save_sources(home, [outside(home)])
    shutil.rmtree(user_folder())
    assert read_here(home) == []


def test_writing_the_registry_again_claims_nothing(home: Home) -> None:
    foreign(home, outside(home))
    save_sources(home, load_sources(home))
    assert [source.read_by for source in load_sources(home)] == [NOBODY]


def test_naming_the_path_claims_its_source(home: Home) -> None:
    foreign(home, outside(home))
    assert register_paths(home, Settings(), [outside(home).root]) == ["notes"]
    assert read_here(home) == ["notes"]


def test_adding_a_source_of_nobody_names_the_command_that_claims_it(home: Home) -> None:
    foreign(home, outside(home))
    with pytest.raises(ConfigurationError) as caught:
        add_source(load_sources(home), str(outside(home).root), is_ours=reads(home))
    assert caught.value.cure == "omni source claim notes"


def test_trusted_settings_declare_their_own_location_for_a_source_of_nobody(home: Home) -> None:
    foreign(home, outside(home))
    home.config.write_text('[sources.notes]\nlocation = "docs"\n')
    (source,) = current_sources(home, load_settings(home))
    assert source.root == home.root.parent / "docs"


def test_user_folder_that_cannot_be_written_is_named_with_the_cure(home: Home) -> None:
    shutil.rmtree(user_folder())
    user_folder().touch()
    save_sources(home, [Source(name="docs", root=home.root.parent / "docs")])
    assert read_here(home) == ["docs"]
    with pytest.raises(ConfigurationError, match="cannot be written") as caught:
        save_sources(home, [outside(home)])
    assert "XDG_CONFIG_HOME" in caught.value.cure


def test_ingest_keeps_the_documents_of_a_source_of_nobody(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "# A\n\nAn otter swims.\n"})
    line.add(docs)
    line.run()
    (source,) = load_sources(line.home)
    moved = source.model_copy(update={"root": docs.parent.parent})
    foreign(line.home, moved)
    done = line.run().documents
    assert (done.deleted, done.rows) == (0, 1)
    assert "source docs is not read" in done.warnings[0]
