"""Folder sources and the registry: ignore rules, links, names, overlapping paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.home import Home
from omni_pipelines.pipeline.staleness import stale_ingest
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.model.source import Source, forgotten_marks
from omni_pipelines.sources.registry import load_sources, register, save_sources
from omni_pipelines.sources.session import SourceSession
from tests.integration.line import Line, write


def listed(root: Path, *include: str) -> list[str]:
    return [file.path for file in list_source(Source(name="s", root=root, include=include)).files]


def names(sources: list[Source]) -> dict[str, str]:
    return {source.name: str(source.local_path) for source in sources}


# --- files that are skipped


def test_list_source_sorts_paths_with_forward_slashes(docs: Path) -> None:
    write(docs, {"b.md": "x", "a/c.md": "x", "a/b/d.py": "x"})
    assert listed(docs) == ["a/b/d.py", "a/c.md", "b.md"]


def test_a_nested_gitignore_overrides_the_one_above(docs: Path) -> None:
    write(
        docs,
        {
            ".gitignore": "*.log\nsecret/\n/top.md\n",
            "keep/.gitignore": "!wanted.log\nlocal.md\n",
            **dict.fromkeys(("a.log", "keep/wanted.log", "keep/other.log", "keep/local.md", "local.md"), "x"),
            **dict.fromkeys(("secret/a.md", "keep/secret/b.md", "top.md", "keep/top.md"), "x"),
        },
    )
    assert listed(docs) == ["keep/top.md", "keep/wanted.log", "local.md"]


def test_a_later_gitignore_rule_overrides_an_earlier_one(docs: Path) -> None:
    write(docs, {".gitignore": "*.md\n!readme.md\n", "a.md": "x", "readme.md": "x", "sub/readme.md": "x"})
    assert listed(docs) == ["readme.md", "sub/readme.md"]


def test_a_gitignore_applies_only_below_its_folder(docs: Path) -> None:
    write(docs, {"one/.gitignore": "*.md\n", "one/a.md": "x", "two/a.md": "x"})
    assert listed(docs) == ["two/a.md"]


def test_hidden_and_vendored_folders_are_skipped(docs: Path) -> None:
    folders = (".git", ".venv", "node_modules", "__pycache__", "vendor", "src")
    write(docs, {f"{folder}/a.py": "x" for folder in folders} | {".hidden.md": "x"})
    write(docs, {"~$letter.docx": "Ada", "~notes.md": "x", "src/Thumbs.db": "x", "src/desktop.ini": "x"})
    assert listed(docs) == ["src/a.py", "~notes.md"]


def test_links_are_not_followed(docs: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.md": "x"})
    write(docs, {"a.md": "x"})
    (docs / "link.md").symlink_to(outside / "secret.md")
    (docs / "folder").symlink_to(outside)
    (docs / "loop").symlink_to(docs)
    (docs / "dangling.md").symlink_to(docs / "none")
    assert listed(docs) == ["a.md"]


def test_pipes_are_skipped(docs: Path) -> None:
    write(docs, {"a.md": "x"})
    os.mkfifo(docs / "pipe.md")
    os.mkfifo(docs / ".gitignore")
    assert listed(docs) == ["a.md"]


def test_a_gitignore_that_is_a_link_is_not_read(docs: Path, tmp_path: Path) -> None:
    write(docs, {"a.md": "x"})
    (docs / ".gitignore").symlink_to(write(tmp_path / "outside", {"rules": "*.md"}) / "rules")
    assert listed(docs) == ["a.md"]


def test_every_file_that_is_not_read_is_named_with_the_reason(docs: Path, tmp_path: Path) -> None:
    write(docs, {"a.md": "x", "empty.md": "", "photo.jpeg": "x", "noted.log": "x", "node_modules/p/i.js": "x"})
    write(docs, {".gitignore": "# logs\n*.log\n", "drafts/one.md": "x", "drafts/two.md": "x", "b.txt": "x"})
    (docs / "link.md").symlink_to("a.md")
    os.mkfifo(docs / "pipe")
    source = Source(name="s", root=docs, include=("*.md", "*.log", "*.jpeg"), exclude=("drafts/",))
    listing = list_source(source)
    assert [file.path for file in listing.files] == ["a.md"]
    assert {file.path: (file.fate.value, file.kind, file.reason) for file in listing.unread} == {
        ".gitignore": ("ignored", "hidden", "built-in rule: its name begins with a dot"),
        "b.txt": ("ignored", "not included", "include: *.md *.log *.jpeg"),
        "drafts/": ("ignored", "excluded", "exclude: drafts/"),
        "empty.md": ("empty", ".md", "it has no bytes"),
        "link.md": ("ignored", "link", "built-in rule: it is a link"),
        "node_modules/": (
            "ignored", "vendored folder", "built-in rule: node_modules holds third-party or generated files"
        ),
        "noted.log": ("ignored", ".gitignore", ".gitignore:2: *.log"),
        "photo.jpeg": ("unknown kind", ".jpeg", "no reader for image/jpeg"),
        "pipe": ("ignored", "not a regular file", "built-in rule: it is not a regular file"),
    }  # fmt: skip


def test_erased_files_are_not_named(docs: Path) -> None:
    write(docs, {"a.md": "x", "gone.md": "", "b.log": "x", ".gitignore": "*.log\n"})
    source = Source(name="s", root=docs)
    marks = (mark for path in ("gone.md", "b.log") for mark in forgotten_marks(source, path))
    listing = list_source(source.model_copy(update={"forgotten": tuple(marks)}))
    assert [file.path for file in listing.unread] == [".gitignore"]


# --- patterns and single files


def test_include_patterns_choose_among_the_files_that_are_read_without_them(docs: Path) -> None:
    write(docs, {".gitignore": "no.md\n", "a.md": "x", "b.py": "x", "no.md": "x", "in/c.md": "x", "in/no.md": "x"})
    write(docs, {"build/d.md": "x", "node_modules/e.md": "x", ".git/f.md": "x"})
    assert listed(docs, "*.md") == ["a.md", "in/c.md"]
    assert listed(docs, "*.md", "!in/**") == ["a.md"]
    assert listed(docs, "/in/") == ["in/c.md"]
    assert listed(docs, "*.md", "build/", "no.md") == ["a.md", "in/c.md"]


def test_a_single_file_of_an_unknown_kind_is_read_as_text(line: Line, docs: Path) -> None:
    write(docs, {"notes.unknown": "Some words about walruses.", "other.md": "x"})
    line.add(docs / "notes.unknown")
    line.run()
    assert [row["path"] for row in line.rows("documents", "path")] == ["notes.unknown"]
    assert line.search("walruses")[0].text == "Some words about walruses."


# --- overlapping paths


def test_register_of_a_path_inside_a_source_adds_nothing(docs: Path) -> None:
    write(docs, {"sub/a.md": "x", "b.md": "x"})
    sources, chosen = register([], [docs])
    for path in (docs, docs / "sub", docs / "b.md"):
        assert register(sources, [path]) == (sources, ["docs"])
    assert chosen == ["docs"]


def test_register_of_an_ignored_path_adds_a_source(docs: Path) -> None:
    write(docs, {"a.md": "x", "node_modules/lib/b.md": "x", "c.png": "x", ".gitignore": "d.md\n", "d.md": "x"})
    sources, _ = register([], [docs])
    paths = [docs / "node_modules" / "lib", docs / "c.png", docs / "d.md"]
    sources, chosen = register(sources, paths)
    assert chosen == ["lib", "c.png", "d.md"]
    assert set(names(sources)) == {"docs", *chosen}


def test_register_of_a_parent_folder_replaces_the_sources_it_contains(docs: Path) -> None:
    write(docs, {"sub/a.md": "x", "vendor/b.md": "x"})
    sources, _ = register([], [docs / "sub", docs / "vendor"])
    sources, chosen = register(sources, [docs])
    assert chosen == ["docs"]
    assert set(names(sources)) == {"docs", "vendor"}


def test_register_of_a_folder_with_patterns_replaces_nothing(docs: Path) -> None:
    write(docs, {"sub/a.md": "x", "b.py": "x"})
    sources, _ = register([], [docs / "sub"])
    sources, _ = register(sources, [docs], ["*.py"])
    assert set(names(sources)) == {"docs", "sub"}


def test_a_parent_folder_that_replaces_a_source_embeds_nothing_again(line: Line, docs: Path) -> None:
    write(docs, {"sub/a.md": "Some words about walruses."})
    line.add(docs / "sub")
    line.run()
    line.add(docs)
    done = line.run()
    assert line.embedder.embedded == []
    assert (done.documents.added, done.documents.deleted) == (1, 1)
    assert [(hit.source, hit.path) for hit in line.search("walruses")] == [("docs", "sub/a.md")]


# --- names


def test_folders_of_one_name_get_numbered_names_that_stay(tmp_path: Path) -> None:
    roots = [write(tmp_path / parent / "docs", {"a.md": "x"}) for parent in ("one", "two", "three")]
    sources, chosen = register([], roots)
    assert chosen == ["docs", "docs-2", "docs-3"]
    later, again = register([source for source in sources if source.name != "docs"], [roots[1]])
    assert again == ["docs-2"]
    patterned, again = register(later, [roots[1]], ["*.md"])
    assert again == ["docs-2"]
    assert len(patterned) == 2


@pytest.mark.parametrize(
    ("folder", "name"),
    [("my docs", "my-docs"), ("it's", "it-s"), ("été", "été"), ("...", "root"), ("a\nb", "a-b"), ("日本", "日本")],
)
def test_a_source_gets_the_name_of_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    _, chosen = register([], [write(tmp_path / folder, {"a.md": "x"})])
    assert chosen == [name]


ODD_NAMES = [
    "it's.md",
    'say "hi".md',
    "a' OR '1'='1.md",
    "line\nbreak.md",
    "tab\there.md",
    "with space.md",
    " leading.md",
    "100%25.md",
    "a#b?c.md",
    "smile😀.md",
    "日本語.md",
    "שלום.md",
    "e\u0301.md",
    "\u00e9.md",
    "-rf.md",
    "semi;colon&.md",
    "back\\slash.md",
    "a:12.md",
    "[x].md",
    "~.md",
]


def test_files_with_odd_names_are_ingested_found_filtered_shown_and_deleted(line: Line, docs: Path) -> None:
    write(docs, {name: f"Sentence number {number} about walruses." for number, name in enumerate(ODD_NAMES)})
    line.add(docs)
    line.run()
    librarian = line.librarian()
    hits = librarian.search("walruses", k=100)
    assert {hit.path for hit in hits} == set(ODD_NAMES)
    for hit in hits:
        assert [match.path for match in librarian.search("walruses", where={"path": hit.path})] == [hit.path]
        passage = librarian.show(f"{hit.uri}#L{hit.start_line}")
        assert (passage.path, passage.lines, passage.from_file) == (hit.path, (hit.text,), True)
    for name in ODD_NAMES[1:]:
        (docs / name).unlink()
    line.run(allow_delete=True)
    assert [hit.path for hit in line.search("walruses", k=100)] == ODD_NAMES[:1]


# --- the registry


def test_load_sources_returns_what_was_saved(home: Home, docs: Path) -> None:
    sources, _ = register([], [write(docs, {"a.md": "x"})], ["*.md"])
    save_sources(home, sources)
    assert load_sources(home) == sources


def test_load_sources_of_a_damaged_registry_names_the_cure(home: Home) -> None:
    home.sources.write_text('{"sources": [{"na')
    with pytest.raises(ConfigurationError, match="omni source add"):
        load_sources(home)


@pytest.mark.parametrize("address", ["https://example.org/a", "s3://bucket/docs"])
def test_register_of_an_address_names_the_command_to_add_it(address: str) -> None:
    with pytest.raises(ConfigurationError, match=f"omni source add {address}, and then"):
        register([], [Path(address)])


def test_register_of_a_missing_path_is_refused(docs: Path) -> None:
    with pytest.raises(SourceMissing, match="check the path"):
        register([], [docs / "none"])


def test_removing_the_last_source_deletes_its_documents(models: None, line: Line, docs: Path) -> None:
    (docs / "a.md").write_text("Walrus eats.")
    line.add(docs)
    line.run()
    save_sources(line.home, [])
    assert stale_ingest(line.context) is not None
    done = line.run()
    assert (done.documents.deleted, done.published.release.counts["documents"]) == (1, 0)


def test_a_missing_registry_deletes_nothing(line: Line, docs: Path) -> None:
    (docs / "a.md").write_text("Walrus eats.")
    line.add(docs)
    line.run()
    line.home.sources.unlink()
    with pytest.raises(SourceMissing, match="nothing to ingest"):
        line.run()
    assert line.librarian().search("walrus")


# --- the listing that a command hands over to its run


def test_a_kept_listing_is_used_once(line: Line, docs: Path) -> None:
    write(docs, {"otter.md": "Otters swim."})
    line.add(docs)
    line.ingest()
    (source,), session = load_sources(line.home), SourceSession()
    first = session.list(line.home, source)
    session.keep(line.home, [first])
    assert session.list(line.home, source) is first
    assert session.list(line.home, source) is not first


def test_a_kept_listing_is_not_used_after_another_run_which_may_have_read_more(line: Line, docs: Path) -> None:
    write(docs, {"otter.md": "Otters swim."})
    line.add(docs)
    line.ingest()
    (source,), session = load_sources(line.home), SourceSession()
    session.keep(line.home, [session.list(line.home, source)])
    write(docs, {"seal.md": "Seals dive."})
    line.ingest()
    assert [file.path for file in session.list(line.home, source).files] == ["otter.md", "seal.md"]
