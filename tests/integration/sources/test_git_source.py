"""A repository is read at its revision, out of its objects, and nothing of it is run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.sources.source import Source, SourceKind
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
def kept(line: Line, repository: Path) -> Line:
    save_sources(line.home, [source_at(f"{repository}@main", "handbook")])
    line.run()
    return line


def test_the_committed_files_are_read_and_not_those_of_the_working_tree(kept: Line, repository: Path) -> None:
    (repository / "guide.md").write_text("# Guide\n\nNot committed.\n")
    (repository / "new.md").write_text("Not committed.\n")
    kept.run()
    assert texts(kept) == {
        "guide.md": "# Guide\n\nThe heron waits.\n",
        "docs/otter.md": "# Otter\n\nOtters hold hands.\n",
    }


def test_a_commit_changes_what_it_touched_and_nothing_else_is_read(kept: Line, repository: Path) -> None:
    commit(repository, guide_md="# Guide\n\nThe heron flies.\n", docs__otter_md=None, moose_md="Moose swim.\n")
    done = kept.run().documents.counts
    assert (done["added"], done["changed"], done["deleted"], done["unchanged"]) == (1, 1, 1, 0)
    assert "flies" in texts(kept)["guide.md"]
    assert not kept.run().published.new


def test_a_revision_is_kept_whatever_happens_to_the_branch(line: Line, repository: Path) -> None:
    old = git(repository, "rev-parse", "HEAD")
    commit(repository, guide_md="# Guide\n\nThe heron flies.\n")
    save_sources(line.home, [source_at(str(repository), "handbook", rev=old)])
    line.run()
    assert "waits" in texts(line)["guide.md"]


def test_an_answer_names_the_repository_and_opens_from_the_release(kept: Line) -> None:
    (hit, *_) = kept.search("heron waits")
    assert hit.uri.startswith("git+file://")
    assert hit.uri.endswith("/guide.md?rev=main")
    passage = kept.librarian().show(hit.chunk_id)
    assert "The heron waits." in passage.lines
    assert (passage.from_file, passage.note) == (False, "these are the lines that were indexed")
    assert kept.librarian().show(hit.uri).path == "guide.md"


def test_a_bare_repository_will_do(line: Line, repository: Path, tmp_path: Path) -> None:
    git(repository, "clone", "-q", "--bare", str(repository), str(tmp_path / "bare.git"))
    save_sources(line.home, [source_at(f"{tmp_path / 'bare.git'}@main", "bare")])
    assert line.run().documents.added == 2


def test_links_hidden_and_vendored_files_are_passed_over(repository: Path) -> None:
    commit(repository, node_modules__x_md="x", **{".hidden__y_md": "y"})
    (repository / "link.md").symlink_to("/etc/passwd")
    commit(repository)
    assert [found.path for found in list_source(source_at(str(repository), "r", rev="main")).files] == [
        "docs/otter.md",
        "guide.md",
    ]


def test_patterns_choose(repository: Path) -> None:
    source = source_at(str(repository), "r", rev="main").model_copy(update={"exclude": ("docs/",)})
    assert [found.path for found in list_source(source).files] == ["guide.md"]


@pytest.mark.parametrize("rev", ["nosuch", "--help", "main\n", "HEAD:guide.md"])
def test_what_is_no_revision_deletes_nothing(kept: Line, repository: Path, rev: str) -> None:
    (source,) = load_sources(kept.home)
    save_sources(kept.home, [source.model_copy(update={"rev": rev})])
    with pytest.raises(SourceMissing, match="handbook"):
        kept.run()
    assert len(texts(kept)) == 2


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceMissing, match="not a git repository"):
        list_source(source_at(str(tmp_path / "plain"), "plain", rev="main"))


def test_nothing_that_the_repository_configures_is_run(kept: Line, repository: Path, tmp_path: Path) -> None:
    trap, hook = tmp_path / "sprung", repository / ".git" / "trap"
    hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
    hook.chmod(0o755)
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external", "filter.x.smudge"):
        git(repository, "config", name, str(hook))
    git(repository, "config", "core.attributesFile", str(tmp_path / "attributes"))
    (tmp_path / "attributes").write_text("*.md filter=x diff=x\n")
    (repository / ".git" / "HEAD").touch()
    trap.unlink(missing_ok=True)
    kept.run()
    assert not trap.exists()


def test_a_file_that_is_too_large_goes_to_quarantine(line: Line, repository: Path) -> None:
    commit(repository, big_md="word " * 1_000)
    save_sources(line.home, [source_at(str(repository), "handbook", rev="main")])
    line.settings = line.settings.model_copy(update={"max_file_bytes": 1_000})
    line.run()
    assert [(row["path"], row["code"]) for row in line.rows("quarantine")] == [("big.md", "E_TOO_LARGE")]


def test_a_source_at_a_revision_is_one_of_its_own_kind(repository: Path) -> None:
    expected = Source(name="r", kind=SourceKind.GIT, root=repository, rev="main")
    assert source_at(f"{repository}@main", "r") == expected
    assert expected.location == f"{repository}@main"
