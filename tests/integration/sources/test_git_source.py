"""Git repositories as sources: read at a revision from their objects; nothing of them is run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.registry import load_sources, save_sources
from tests.integration.line import Line, texts

ROOT = Path(__file__).parents[3]


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


def test_links_hidden_and_vendored_files_are_named_and_not_read(repository: Path) -> None:
    commit(repository, node_modules__x_md="x", **{".hidden__y_md": "y"})
    (repository / "link.md").symlink_to("/etc/passwd")
    commit(repository)
    source = source_at(str(repository), "r", rev="main")
    for include in ((), ("*.md",)):
        listing = list_source(source.model_copy(update={"include": include}))
        assert [file.path for file in listing.files] == ["docs/otter.md", "guide.md"]
        assert {file.path: file.kind for file in listing.unread} == {
            ".hidden/": "hidden",
            "link.md": "link",
            "node_modules/": "vendored folder",
        }


def test_patterns_choose_committed_files(repository: Path) -> None:
    source = source_at(str(repository), "r", rev="main").model_copy(update={"exclude": ("docs/",)})
    assert [file.path for file in list_source(source).files] == ["guide.md"]


@pytest.mark.parametrize("rev", ["nosuch", "--help", "main\n", "HEAD:guide.md"])
def test_an_invalid_revision_deletes_nothing(ingested: Line, repository: Path, rev: str) -> None:
    (source,) = load_sources(ingested.home)
    save_sources(ingested.home, [source.model_copy(update={"rev": rev})])
    assert re.search("handbook", ingested.run_with_missing_source().problem)
    assert len(texts(ingested)) == 2


def test_a_folder_that_is_not_a_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceMissing, match="not a git repository"):
        list_source(source_at(str(tmp_path / "plain"), "plain", rev="main"))


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a file with the suffix .sprung beside it when anything runs it."""
    trap = tmp_path / "trap"
    trap.write_text('#!/bin/sh\ntouch "$0.sprung"\nexit 1\n')
    trap.chmod(0o755)
    return trap


def has_sprung(trap: Path) -> bool:
    return trap.with_suffix(".sprung").exists()


def sign_head(repository: Path) -> None:
    """Add a signature to the last commit, which nobody can check."""
    head, _, message = git(repository, "cat-file", "commit", "HEAD").partition("\n\n")
    signed = f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----\n\n{message}\n"
    (repository / "signed").write_text(signed)
    name = git(repository, "hash-object", "-t", "commit", "-w", "signed")
    (repository / "signed").unlink()
    git(repository, "update-ref", "refs/heads/main", name)


def test_the_signature_of_a_commit_runs_no_program(ingested: Line, repository: Path, trap: Path) -> None:
    sign_head(repository)
    for name, value in (
        ("log.showSignature", "true"),
        ("gpg.program", str(trap)),
        ("gpg.openpgp.program", str(trap)),
    ):
        git(repository, "config", name, value)
    git(repository, "show", "--no-patch", "HEAD")
    assert has_sprung(trap), "the trap does not work"
    trap.with_suffix(".sprung").unlink()
    ingested.run()
    assert not has_sprung(trap)


def test_no_setting_that_git_documents_counts(ingested: Line, repository: Path, trap: Path) -> None:
    names = subprocess.run(["git", "help", "--config"], capture_output=True, text=True, check=True).stdout.split()
    lines = ["[include]", f"path = {repository / 'more'}"]
    for name in (re.sub(r"<[^>]*>|\*", "x", name) for name in names if name.count(".") and name.isascii()):
        section, _, key = name.rpartition(".")
        first, _, rest = section.partition(".")
        lines += [f'[{first} "{rest}"]' if rest else f"[{first}]", f"{key} = {trap}"]
    assert len(lines) > 1_000
    (repository / ".git" / "config").write_text("\n".join(lines))
    (repository / "more").write_text(f"[core]\nfsmonitor = {trap}\n")
    (repository / ".git" / "info" / "attributes").write_text(
        "* filter=x diff=x merge=x textconv=x working-tree-encoding=x\n"
    )
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        shutil.copy(trap, repository / ".git" / "hooks" / hook)
    counts = ingested.run().documents.counts
    assert (counts["unchanged"], counts["deleted"]) == (2, 0)
    assert not has_sprung(trap)
    assert not list((repository / ".git" / "hooks").glob("*.sprung"))


def test_objects_of_another_repository_are_not_read(line: Line, repository: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    git(repository, "clone", "-q", "--shared", str(repository), str(shared))
    with pytest.raises(SourceMissing, match="handbook"):
        list_source(source_at(str(shared), "handbook", rev="main"))


def test_a_replacement_of_an_object_does_not_count(ingested: Line, repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:guide.md")
    (repository / "other.md").write_text("Replaced.\n")
    git(repository, "replace", blob, git(repository, "hash-object", "-w", "other.md"))
    commit(repository, guide_md="# Guide\n\nThe heron waits.\n\n", moose_md="Moose swim.\n")
    ingested.run()
    assert "heron" in texts(ingested)["guide.md"]


def test_what_a_partial_clone_lacks_is_not_fetched(line: Line, repository: Path, tmp_path: Path, trap: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    git(repository, "clone", "-q", "--no-checkout", "--filter=blob:none", repository.as_uri(), str(partial))
    git(partial, "config", "remote.origin.uploadpack", str(trap))
    save_sources(line.home, [source_at(f"{partial}@main", "partial")])
    line.run()
    assert [row["code"] for row in line.rows("quarantine")] == ["E_VANISHED", "E_VANISHED"]
    assert not has_sprung(trap)


def test_a_damaged_object_costs_one_document(line: Line, repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:guide.md")
    path = repository / ".git" / "objects" / blob[:2] / blob[2:]
    raw = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(raw[: len(raw) // 2] + bytes(20))
    save_sources(line.home, [source_at(f"{repository}@main", "handbook")])
    line.run()
    assert set(texts(line)) == {"docs/otter.md"}
    assert [row["path"] for row in line.rows("quarantine")] == ["guide.md"]


@pytest.mark.parametrize("program", ["/bin/sh", "/usr/bin/env", "script"])
def test_a_confined_process_runs_only_the_program_it_may_run(tmp_path: Path, program: str, trap: Path) -> None:
    path = str(trap) if program == "script" else program
    assert run_confined(tmp_path, path, [path]) == "PermissionError"
    assert not has_sprung(trap)


def test_a_confined_program_reads_only_what_it_may_read(tmp_path: Path) -> None:
    for name in ("inside", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "text").write_text(f"{name}\n")
    assert run_confined(tmp_path / "inside", CAT, [CAT, str(tmp_path / "inside" / "text")]) == "inside"
    assert run_confined(tmp_path / "inside", CAT, [CAT, str(tmp_path / "outside" / "text")]) == ""


CAT = str(Path("/bin/cat").resolve())


def run_confined(readable: Path, program: str, command: list[str]) -> str:
    """What a program prints in a process that may run only `cat`; the name of the error if it may not be run."""
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import glob, os\nfrom native.confinement import Confinement, confine\n"
        "from native.git_objects import LIBRARIES, LOADERS\n"
        f"programs = ({CAT!r}, *(path for pattern in LOADERS for path in glob.glob(pattern)))\n"
        f"confine(Confinement(1 << 30, 64, (*LIBRARIES, {str(readable)!r}), programs))\n"
        f"try:\n    os.execv({program!r}, {command!r})\nexcept OSError as error:\n    print(type(error).__name__)\n"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False, env={})
    return ran.stdout.strip()


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
