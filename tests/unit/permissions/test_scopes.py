"""No path, link or address leads out of its scope, whatever is written in it or done to the folder meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from omni_pipelines.agent_tools.scoped_files import read_text, walk, write_text
from omni_pipelines.errors import OmniError, SecurityError
from omni_pipelines.permissions.scopes import ScopedFolder, folder_path, is_below, web_host
from omni_pipelines.sources.model.web_addresses import web_address
from tests.cases import cases

MANY = cases(150)
OUTSIDE = "outside the project"
PARTS = st.sampled_from(
    [
        "..", ".", "", "docs", "a.md", "out", "loop", "deep", "home", "Docs", "etc", "passwd", "~", "~root", "$HOME",
        "${HOME}", "%2e%2e", "%2f", "．．", "‥", "..;", ".git", ".omni", ".env", "．git", ".\u200bgit", "\u202e",
        "\0", "a\0.md", "C:", "\\", "..\\..", "file:", "\ud800", "…", " ..", ".. ", "CON", "-rf", "--output=x",
        "proc", "self", "root", "a" * 300, "\n", "é", "e\u0301",
    ]
)  # fmt: skip
PATHS = st.lists(PARTS | st.text(max_size=4), min_size=1, max_size=6).flatmap(
    lambda parts: st.sampled_from(["/", "\\", "//", "/./"]).map(lambda mark: mark.join(parts))
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose links lead out of it in every way, beside files that nobody may see."""
    base = tmp_path_factory.mktemp("scopes")
    root = base / "project"
    (root / "docs" / "deep").mkdir(parents=True)
    (root / ".git").mkdir()
    for path, text in {
        base / "a.md": OUTSIDE,
        base / "secret" / "passwd": OUTSIDE,
        root / ".env": OUTSIDE,
        root / ".git" / "config": OUTSIDE,
        root / "a.md": "inside",
        root / "docs" / "a.md": "inside",
        root / "docs" / "deep" / "a.md": "inside",
    }.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (root / "out").symlink_to(base)
    (root / "home").symlink_to(base / "secret")
    (root / "docs" / "out").symlink_to("../../secret")
    (root / "docs" / "passwd").symlink_to(base / "secret" / "passwd")
    (root / "loop").symlink_to("loop")
    (root / "root").symlink_to("/")
    os.mkfifo(root / "etc")
    return root


@hypothesis.settings(max_examples=MANY)
@hypothesis.given(PATHS)
def test_reading_any_path_gives_what_is_inside_or_an_error(project: Path, path: str) -> None:
    folder = ScopedFolder(project)
    try:
        text = read_text(folder, path)
    except (OmniError, OSError):
        return
    assert text == "inside"
    assert (project / folder_path(path)).resolve().is_relative_to(project)


@pytest.mark.parametrize(
    "path",
    ["out/a.md", "home/passwd", "docs/out/passwd", "docs/passwd", "root/etc/passwd", "loop", "etc", ".env", ""],
)
def test_link_special_or_hidden_file_is_not_read(project: Path, path: str) -> None:
    with pytest.raises(SecurityError):
        read_text(ScopedFolder(project), path)


@hypothesis.settings(max_examples=MANY)
@hypothesis.given(PATHS)
def test_listing_any_path_names_what_is_inside_or_is_an_error(project: Path, path: str) -> None:
    try:
        names = list(walk(ScopedFolder(project), path, recursive=True))
    except (OmniError, OSError):
        return
    assert names
    for name in names:
        assert not (project / name.rstrip("/")).is_symlink()
        assert not any(part.startswith(".") for part in name.split("/"))


@hypothesis.settings(max_examples=cases(30))
@hypothesis.given(PATHS)
def test_writing_to_any_path_changes_nothing_outside(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    base = tmp_path_factory.mktemp("w")
    root = base / "project"
    root.mkdir()
    (base / "secret").mkdir()
    for name in ("out", "home", "docs"):
        (root / name).symlink_to(base / "secret")
    (root / "a.md").symlink_to(base / "a.md")
    try:
        write_text(ScopedFolder(root), path, "written")
        assert folder_path(path)
    except (OmniError, OSError):
        pass
    assert {each.name for each in base.iterdir()} == {"project", "secret"}
    assert list((base / "secret").iterdir()) == []
    assert not any(each.name.startswith(".") for each in root.iterdir())


@hypothesis.settings(max_examples=MANY)
@hypothesis.given(PATHS, PATHS)
def test_path_that_is_below_another_is_below_it_on_disk(path: str, above: str) -> None:
    try:
        inner, outer = folder_path(path), folder_path(above)
    except SecurityError:
        return
    root = Path("/project")
    assert is_below(inner, outer, exactly=True) is Path(os.path.normpath(root / inner)).is_relative_to(root / outer)
    assert is_below(inner, outer, exactly=False) >= is_below(inner, outer, exactly=True)
    assert Path(os.path.normpath(root / inner)).is_relative_to(root)


@pytest.mark.parametrize(
    "path",
    [
        "../a",
        "/etc/passwd",
        "a/../../b",
        "~/x",
        "a\0b",
        "a\\..\\b",
        ".git/config",
        "．．/a",
        "a/\u200b../b",
        "．git/x",
        "x\n",
    ],
)
def test_path_that_could_lead_out_is_refused(path: str) -> None:
    with pytest.raises(SecurityError):
        folder_path(path)


def test_folder_that_is_replaced_by_a_link_between_two_steps_is_not_entered(tmp_path: Path) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside"
    (root / "docs").mkdir(parents=True)
    outside.mkdir()
    (outside / "a.md").write_text(OUTSIDE)
    with ScopedFolder(root).folder("docs") as handle:
        (root / "docs").rmdir()
        (root / "docs").symlink_to(outside)
        assert os.listdir(handle) == []
    with pytest.raises(SecurityError, match="is a link"):
        read_text(ScopedFolder(root), "docs/a.md")


def test_links_that_appear_while_files_are_read_and_written_never_lead_out(tmp_path: Path) -> None:
    """One thread turns a folder and a file into links and back; the other reads and writes all the time."""
    root, outside = tmp_path / "project", tmp_path / "outside"
    (root / "docs").mkdir(parents=True)
    outside.mkdir()
    (root / "docs" / "a.md").write_text("inside")
    (outside / "a.md").write_text(OUTSIDE)
    folder, stop = ScopedFolder(root), threading.Event()

    def turn() -> None:
        while not stop.is_set():  # the other thread may make the folder in between, so each step may fail
            with contextlib.suppress(OSError):
                (root / "docs").rename(root / "kept")
            with contextlib.suppress(OSError):
                (root / "docs").symlink_to(outside)
            with contextlib.suppress(OSError):
                (root / "docs").unlink()
            with contextlib.suppress(OSError):
                (root / "kept").rename(root / "docs")
            shutil.rmtree(root / "kept", ignore_errors=True)

    thread = threading.Thread(target=turn)
    thread.start()
    seen = set()
    try:
        for number in range(MANY * 4):
            with contextlib.suppress(OmniError, OSError):
                seen.add(read_text(folder, "docs/a.md"))
                write_text(folder, f"docs/{number % 3}.md", "written")
    finally:
        stop.set()
        thread.join()
    assert OUTSIDE not in seen
    assert [path.name for path in outside.iterdir()] == ["a.md"]


HOSTS = st.sampled_from(
    ["example.org", "evil.net", "127.0.0.1", "[::1]", "EXAMPLE.org", "exаmple.org", "example.org."]
)
URLS = st.builds(
    lambda scheme, user, host, port, path: f"{scheme}{user}{host}{port}{path}",
    st.sampled_from(
        ["https://", "http://", "https:\\\\", "file://", "//", "", "javascript:", "HTTPS://", " https://"]
    ),
    st.sampled_from(
        ["", "example.org@", "a:b@", "example.org%40", "example.org#@", "example.org\\@", "example.org/@"]
    ),
    HOSTS | st.text(max_size=6),
    st.sampled_from(["", ":443", ":80", ":0", ":99999", ":"]),
    st.sampled_from(["", "/", "/../x", "?q=example.org", "#example.org", "\n.example.org"]),
)


@hypothesis.settings(max_examples=MANY)
@hypothesis.given(URLS)
def test_host_of_any_address_is_the_one_that_would_be_asked(url: str) -> None:
    try:
        host = web_host(url)
    except SecurityError:
        return
    rest = web_address(url).removeprefix("https://")
    assert rest.split("/")[0].split("?")[0] == host
    assert "@" not in host
    assert host.isascii()
    if host == "example.org":
        assert "evil" not in rest.split("/")[0]
