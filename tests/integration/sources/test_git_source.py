"""Git repositories as sources: read at a revision from their objects; nothing of them is run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.registry import load_sources, save_sources
from tests.integration.line import Line, texts


def git(repository: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(repository: Path, **files: str | None) -> str:
    for name, text in files.items():
        path = repository / name.replace("__", "/").replace("_md", ".md")
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "change")
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = tmp_path / "handbook"
    repository.mkdir()
    git(repository, "init", "-q", "-b", "main")
    commit(repository, guide_md="# Guide\n\nThe heron waits.\n", docs__otter_md="# Otter\n\nOtters hold hands.\n")
    return repository


@pytest.fixture
def ingested(line: Line, repository: Path) -> Line:
    save_sources(line.home, [source_at(f"{repository}@main", "handbook")])
    line.run()
    return line


def test_ingest_reads_commits_and_not_the_working_tree(ingested: Line, repository: Path) -> None:
    (repository / "guide.md").write_text("# Guide\n\nNot committed.\n")
    (repository / "new.md").write_text("Not committed.\n")
    ingested.run()
    assert texts(ingested) == {
        "guide.md": "# Guide\n\nThe heron waits.\n",
        "docs/otter.md": "# Otter\n\nOtters hold hands.\n",
    }


def test_ingest_after_a_commit_reads_only_what_it_changed(ingested: Line, repository: Path) -> None:
    commit(repository, guide_md="# Guide\n\nThe heron flies.\n", docs__otter_md=None, moose_md="Moose swim.\n")
    counts = ingested.run().documents.counts
    assert (counts["added"], counts["changed"], counts["deleted"], counts["unchanged"]) == (1, 1, 1, 0)
    assert "flies" in texts(ingested)["guide.md"]
    assert not ingested.run().published.new


def test_a_commit_as_revision_stays_when_the_branch_moves(line: Line, repository: Path) -> None:
    old = git(repository, "rev-parse", "HEAD")
    commit(repository, guide_md="# Guide\n\nThe heron flies.\n")
    save_sources(line.home, [source_at(str(repository), "handbook", rev=old)])
    line.run()
    assert "waits" in texts(line)["guide.md"]


def test_a_citation_of_a_repository_opens_from_the_release(ingested: Line) -> None:
    (hit, *_) = ingested.search("heron waits")
    assert hit.uri.startswith("git+file://")
    assert hit.uri.endswith("/guide.md?rev=main")
    assert hit.citation == "handbook/guide.md:1-3"
    passage = ingested.librarian().show(hit.citation)
    assert "The heron waits." in passage.lines
    assert (passage.from_file, passage.note) == (False, "")
    assert ingested.librarian().show(hit.uri).path == "guide.md"


def test_a_bare_repository_is_a_source(line: Line, repository: Path, tmp_path: Path) -> None:
    git(repository, "clone", "-q", "--bare", str(repository), str(tmp_path / "bare.git"))
    save_sources(line.home, [source_at(f"{tmp_path / 'bare.git'}@main", "bare")])
    assert line.run().documents.added == 2


def test_links_hidden_and_vendored_files_are_skipped(repository: Path) -> None:
    commit(repository, node_modules__x_md="x", **{".hidden__y_md": "y"})
    (repository / "link.md").symlink_to("/etc/passwd")
    commit(repository)
    assert [file.path for file in list_source(source_at(str(repository), "r", rev="main")).files] == [
        "docs/otter.md",
        "guide.md",
    ]


def test_patterns_choose_committed_files(repository: Path) -> None:
    source = source_at(str(repository), "r", rev="main").model_copy(update={"exclude": ("docs/",)})
    assert [file.path for file in list_source(source).files] == ["guide.md"]


@pytest.mark.parametrize("rev", ["nosuch", "--help", "main\n", "HEAD:guide.md"])
def test_an_invalid_revision_deletes_nothing(ingested: Line, repository: Path, rev: str) -> None:
    (source,) = load_sources(ingested.home)
    save_sources(ingested.home, [source.model_copy(update={"rev": rev})])
    with pytest.raises(SourceMissing, match="handbook"):
        ingested.run()
    assert len(texts(ingested)) == 2


def test_a_folder_that_is_not_a_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceMissing, match="not a git repository"):
        list_source(source_at(str(tmp_path / "plain"), "plain", rev="main"))


def test_ingest_runs_nothing_that_the_repository_configures(ingested: Line, repository: Path, tmp_path: Path) -> None:
    trap, hook = tmp_path / "sprung", repository / ".git" / "trap"
    hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
    hook.chmod(0o755)
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external", "filter.x.smudge"):
        git(repository, "config", name, str(hook))
    git(repository, "config", "core.attributesFile", str(tmp_path / "attributes"))
    (tmp_path / "attributes").write_text("*.md filter=x diff=x\n")
    (repository / ".git" / "HEAD").touch()
    trap.unlink(missing_ok=True)
    ingested.run()
    assert not trap.exists()


def test_a_committed_file_over_the_size_limit_is_quarantined(line: Line, repository: Path) -> None:
    commit(repository, big_md="word " * 1_000)
    save_sources(line.home, [source_at(str(repository), "handbook", rev="main")])
    line.settings = line.settings.model_copy(update={"max_file_bytes": 1_000})
    line.run()
    assert [(row["path"], row["code"]) for row in line.rows("quarantine")] == [("big.md", "E_TOO_LARGE")]


def test_source_at_recognises_a_path_with_a_revision(repository: Path) -> None:
    expected = Source(name="r", kind=SourceKind.GIT, root=repository, rev="main")
    assert source_at(f"{repository}@main", "r") == expected
    assert expected.location == f"{repository}@main"
