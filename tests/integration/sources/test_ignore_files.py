"""Which files of a folder the ignore files leave out: exactly those that git leaves out."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.model.source import Source
from tests.integration.line import write

SEED = int(os.environ.get("OMNI_STRESS_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
NAMES = [
    "a",
    "b",
    "ab",
    "a.md",
    "foo",
    "foo.txt",
    "a b",
    "x ",
    "#h",
    "!n",
    "[z]",
    "a*",
    "q?",
    "k\\",
    "é",
    "\xff",
    "-d",
    "n\nl",
]
PIECES = [
    "a", "b", "*", "?", "**", "/", ".md", "foo", "[ab]", "[!a]", "[a-c]", "\\", "\\*", "\\#", "\\!", "!", "#", " ",
    "\\ ", "[", "[]]", "[^b]", ".txt", "[[:alpha:]]", "é", "***", "\t", "/**/", "**/", "/**", "[[:no:]]", "\\/", "\r",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git reads the configuration of this test only."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "gitconfig").touch()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    git(folder, "init", "-q", str(folder))
    return folder


def git(folder: Path, *words: str, given: bytes = b"") -> bytes:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["git", "-C", str(folder), *words], input=given, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr  # 1: check-ignore found nothing
    return done.stdout


def listed(root: Path) -> list[str]:
    return [file.path for file in list_source(Source(name="s", root=root)).files]


def reasons(root: Path) -> dict[str, str]:
    return {file.path: file.reason for file in list_source(Source(name="s", root=root)).unread}


def test_rules_above_the_folder_hold_up_to_the_top_of_the_repository(top: Path, tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*"})
    write(top, {".gitignore": "*.log\n/docs/own.md\nother/\n", "docs/.gitignore": "!keep.log\n/in/deep.md\n"})
    names = ("a.md", "a.log", "keep.log", "own.md", "other/b.md", "in/deep.md", "in/keep.log")
    write(top / "docs", dict.fromkeys(names, "x"))
    assert listed(top / "docs") == ["a.md", "in/keep.log", "keep.log"]
    assert listed(top / "docs" / "in") == ["keep.log"]
    assert reasons(top / "docs" / "in") == {"deep.md": f"{top}/docs/.gitignore:2: /in/deep.md"}


def test_a_folder_that_a_person_names_is_read_although_it_is_ignored(top: Path) -> None:
    write(top, {".gitignore": "out/\n", "out/.gitignore": "no.md\n", "out/a.md": "x", "out/no.md": "x"})
    assert listed(top / "out") == ["a.md"]
    assert listed(top) == []


def test_the_ignore_files_of_git_hold(top: Path, tmp_path: Path) -> None:
    write(top, {".git/info/exclude": "private.md\n!local.log\n", ".gitignore": "!shown.tmp\n"})
    write(tmp_path / "config", {"git/ignore": "*.log\n*.tmp\n"})
    write(top, dict.fromkeys(("a.md", "private.md", "b.log", "local.log", "c.tmp", "shown.tmp"), "x"))
    assert listed(top) == ["a.md", "local.log", "shown.tmp"]
    assert reasons(top)["private.md"] == f"{top}/.git/info/exclude:1: private.md"
    named = write(tmp_path / "dotfiles", {"ignore": "a.md\n"}) / "ignore"
    (tmp_path / "linked").symlink_to(named)
    git(top, "config", "core.excludesFile", str(tmp_path / "linked"))
    assert listed(top) == ["b.log", "c.tmp", "local.log", "shown.tmp"]


def test_the_first_rule_after_a_byte_order_mark_holds_in_every_ignore_file(top: Path, tmp_path: Path) -> None:
    mark = "\ufeff"
    write(top, {".git/info/exclude": f"{mark}own.md\r\n", "in/deep/.gitignore": f"{mark}/deep.md\r\n*.log"})
    write(tmp_path / "config", {"git/ignore": f"{mark}all.md\n"})
    write(top, dict.fromkeys(("own.md", "all.md", "in/deep/deep.md", "in/deep/a.log", "in/deep.md"), "x"))
    assert listed(top) == ["in/deep.md"]
    write(top, {".gitignore": "in/".encode("utf-16")})
    assert listed(top) == ["in/deep.md"]
    assert ["UTF-16" in note for note in list_source(Source(name="s", root=top)).notes] == [True]


@pytest.mark.parametrize("is_worktree", [False, True], ids=["repository", "worktree"])
def test_a_repository_inside_another_has_only_its_own_rules(top: Path, tmp_path: Path, is_worktree: bool) -> None:
    write(top, {".gitignore": "*.md\n"})
    inner = top / "inner"
    if is_worktree:
        main = tmp_path / "main"
        git(main, "init", "-q", str(main))
        git(main, "-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "1", "--allow-empty")
        git(main, "worktree", "add", "-q", str(inner))
        write(main, {".git/info/exclude": "own.md\n"})
    else:
        git(inner, "init", "-q", str(inner))
        write(inner, {".git/info/exclude": "own.md\n"})
    write(top, {"a.md": "x", "inner/b.md": "x", "inner/own.md": "x"})
    assert listed(top) == ["inner/b.md"]


def test_an_ignore_file_that_cannot_be_read_is_noted(top: Path) -> None:
    write(top, {"a.md": "x", ".gitignore": "#" * (1 << 20) + "\na.md\n"})
    listing = list_source(Source(name="s", root=top))
    assert [file.path for file in listing.files] == ["a.md"]
    assert len(listing.notes) == 1
    assert listing.notes[0].startswith("the rules of .gitignore do not hold")


def test_random_rules_leave_out_what_git_leaves_out(top: Path) -> None:
    rng = random.Random(SEED)
    for round_ in range(40):
        base = top / str(round_)
        base.mkdir()
        folders = [top, base, *grow(base, rng)]
        for folder in rng.sample(folders, min(4, len(folders))):
            folder.joinpath(".gitignore").write_bytes(random_rules(rng))
        top.joinpath(".git/info/exclude").write_bytes(random_rules(rng))
        root = rng.choice(folders[1:])
        seen = {os.fsencode(path) for path in root.rglob("*") if path.is_file() and path.name != ".gitignore"}
        ignored = set(git(top, "check-ignore", "--stdin", "-z", given=b"\0".join(seen)).split(b"\0"))
        files = list_source(Source(name="s", root=root)).files
        read = {os.fsencode(root / (file.real_path or file.path)) for file in files}
        if not git(top, "check-ignore", str(root)):  # else a person named it, and git would leave out all of it
            rules = [(path, path.read_bytes()) for path in top.rglob(".gitignore")]
            assert read == seen - ignored, f"OMNI_STRESS_SEED={SEED}, round {round_}: {rules}"
        top.joinpath(".gitignore").unlink(missing_ok=True)


def grow(folder: Path, rng: random.Random, depth: int = 0) -> list[Path]:
    """Make a random tree of files and folders. Returns the folders."""
    folders = []
    for name in rng.sample(NAMES, 6):
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name.encode("latin-1" if name == "\xff" else "utf-8")))
        if depth < 3 and rng.random() < 0.4:
            path.mkdir(exist_ok=True)
            folders += [path, *grow(path, rng, depth + 1)]
        elif not path.exists():
            path.write_text("x")
    return folders


def random_rules(rng: random.Random) -> bytes:
    lines = []
    for _ in range(rng.choice([1, 1, 2, 3, 5])):
        pattern = "".join(rng.choice(PIECES) for _ in range(rng.choice([1, 1, 2, 2, 3, 4, 5])))
        lines.append(rng.choice(["", "", "", "!", "/"]) + pattern + rng.choice(["", "", "", "/", " "]))
    mark = rng.choice([b"", b"\xef\xbb\xbf"])
    return mark + rng.choice(["\n", "\r\n"]).join(lines).encode() + rng.choice([b"", b"\n"])
