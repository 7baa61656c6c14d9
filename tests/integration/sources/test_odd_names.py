"""Files with unusual names and kinds: each is read or reported, and none stops an ingest."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tarfile
import unicodedata
from io import BytesIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.search.citations import file_of
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.listing import Listing
from omni_pipelines.sources.model.names import shown_name
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import save_sources
from tests.integration.line import Line, texts, write


def put(folder: Path, name: bytes, text: str) -> None:
    path = os.path.join(os.fsencode(folder), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def listing(folder: Path) -> Listing:
    return list_source(Source(name="s", root=folder))


def listed(folder: Path) -> list[str]:
    return [file.path for file in listing(folder).files]


# --- names that are not UTF-8


def test_a_file_with_a_name_that_is_not_utf8_is_read_found_shown_and_deleted(line: Line, docs: Path) -> None:
    put(docs, b"bad\xff 100%.md", "Words about walruses.\n")
    put(docs, b"f\xe9t\xe9/\xe9t\xe9.md", "Words about herons.\n")
    write(docs, {"good.md": "Words about otters.\n"})
    line.add(docs)
    line.run()
    assert set(texts(line)) == {"bad%FF 100%25.md", "f%E9t%E9/%E9t%E9.md", "good.md"}
    assert not line.run().published.new
    (hit, *_) = line.search("walruses")
    passage = line.librarian().show(f"{hit.uri}#L1")
    assert (passage.path, passage.lines, passage.from_file) == ("bad%FF 100%25.md", ("Words about walruses.",), True)
    put(docs, b"bad\xff 100%.md", "Words about moose.\n")
    assert line.run().documents.changed == 1
    os.unlink(os.path.join(os.fsencode(docs), b"bad\xff 100%.md"))
    assert line.run().documents.deleted == 1


def test_commands_print_a_name_that_is_not_utf8_escaped(line: Line, docs: Path) -> None:
    put(docs, b"bad\xff.md", "Words about walruses.\n")
    put(docs, b"\xffempty/b\xfflank.md", "   \n")
    home = ["--home", str(line.home.root)]
    runner = CliRunner()
    for words in (["source", "add", str(docs)], ["ingest", "--dry-run"], ["ingest", "--dry-run", "--json"]):
        done = runner.invoke(app, [*words, *home])
        assert done.exit_code == 0, done.exception
    assert "bad%FF.md" in done.stdout
    line.run()
    for words in (["quarantine", "list"], ["quarantine", "list", "--json"], ["sql", "SELECT path FROM documents"]):
        done = runner.invoke(app, [*words, *home])
        assert done.exit_code == 0, done.exception
        assert "%FF" in done.stdout
    result = json.loads(runner.invoke(app, ["search", "walruses", "--mode", "keyword", "--json", *home]).stdout)
    assert result["hits"][0]["path"] == "bad%FF.md"


def test_a_real_name_wins_over_an_equal_escaped_name(docs: Path) -> None:
    write(docs, {"bad%FF.md": "This is its name.\n"})
    put(docs, b"bad\xff.md", "This is how it is shown.\n")
    listed_files = listing(docs)
    assert [(file.path, file.real_path) for file in listed_files.files] == [("bad%FF.md", "")]
    assert [file.path for file in listed_files.unread] == ["bad\\xff.md"]


@pytest.mark.parametrize(
    "raw", [b"a.md", b"a\xff.md", b"%\xff%41.md", b"\xed\xa0\x80.md", b"\xe9/\xff.md", b"100%.md"]
)
def test_file_of_reverses_the_uri_of_an_escaped_name(docs: Path, raw: bytes) -> None:
    put(docs, raw, "Words.\n")
    (file,) = listing(docs).files
    file.path.encode("utf-8")
    assert os.fsencode(file_of(Source(name="s", root=docs).uri(file.path))) == os.fsencode(docs) + b"/" + raw


def test_source_at_refuses_a_folder_whose_name_is_not_utf8(docs: Path) -> None:
    put(docs, b"b\xffd/a.md", "Words.\n")
    with pytest.raises(ConfigurationError, match="b%FFd is not UTF-8; name its parent folder"):
        source_at(os.fsdecode(os.fsencode(docs) + b"/b\xffd"), "s")


def test_names_that_are_not_utf8_are_decoded_in_archives_and_escaped_in_repositories(
    line: Line, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as opened:
        info = tarfile.TarInfo(os.fsdecode(b"bad\xff.md"))
        info.size = 6
        opened.addfile(info, BytesIO(b"Words."))
    repository = tmp_path / "repository"
    put(repository, b"bad\xff.md", "Words of git.\n")
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "1"],
    ):
        subprocess.run(["git", "-C", str(repository), *words], check=True)
    save_sources(
        line.home, [source_at(str(tmp_path / "a.tar"), "packed"), source_at(str(repository), "git", rev="main")]
    )
    line.run()
    assert {
        (row["source"], row["path"], row["text"]) for row in line.rows("documents", "source", "path", "text")
    } == {
        ("packed", "badÿ.md", "Words."),
        ("git", "bad%FF.md", "Words of git.\n"),
    }


def test_shown_name_leaves_utf8_names_unchanged() -> None:
    assert shown_name("100%25 ü😀.md") == "100%25 ü😀.md"


# --- kinds of files


def test_sockets_pipes_and_devices_are_skipped(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words.\n"})
    os.mknod(docs / "socket.md", stat.S_IFSOCK | 0o600)
    os.mknod(docs / "pipe.md", stat.S_IFIFO | 0o600)
    try:
        os.mknod(docs / "zero.md", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        (docs / "zero.md").symlink_to("/dev/zero")
    line.add(docs)
    line.run()
    assert set(texts(line)) == {"a.md"}


def test_hard_links_are_separate_documents(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words about walruses.\n"})
    os.link(docs / "a.md", docs / "b.md")
    line.add(docs)
    line.run()
    assert set(texts(line)) == {"a.md", "b.md"}
    (docs / "a.md").unlink()
    line.run()
    assert set(texts(line)) == {"b.md"}


def test_names_that_look_alike_are_separate_documents(line: Line, docs: Path) -> None:
    composed = unicodedata.normalize("NFC", "é.md")
    names = [composed, unicodedata.normalize("NFD", composed), "Case.md", "case.md", "CASE.md"]
    write(docs, {name: f"Words of number {number}.\n" for number, name in enumerate(names)})
    there = len(os.listdir(docs))
    line.add(docs)
    line.run()
    assert len(texts(line)) == there
    if there == len(names):
        assert set(texts(line)) == set(names)


def test_a_file_without_read_permission_is_quarantined(line: Line, docs: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    write(docs, {"a.md": "Words.\n", "closed.md": "Words.\n"})
    (docs / "closed.md").chmod(0)
    line.add(docs)
    line.run()
    assert [(row["path"], row["code"]) for row in line.rows("quarantine")] == [("closed.md", "E_PERM")]


def test_a_file_with_the_longest_possible_name_is_read(line: Line, docs: Path) -> None:
    ascii_name, wide_name = "a" * 252 + ".md", "ü" * 126 + ".md"
    write(docs, {ascii_name: "Words.\n", wide_name: "Words.\n"})
    put(docs, b"\xff" * 252 + b".md", "Words.\n")
    line.add(docs)
    line.run()
    assert set(texts(line)) == {ascii_name, wide_name, "%FF" * 252 + ".md"}
    assert not line.run().published.new


def test_a_path_longer_than_the_system_limit_is_reported_in_a_warning(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "Words.\n"})
    handle = os.open(docs, os.O_RDONLY)
    for _ in range(30):  # 30 × 201 bytes: more than PATH_MAX
        os.mkdir("d" * 200, dir_fd=handle)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
        file = os.open("f" * 200, os.O_CREAT | os.O_WRONLY, dir_fd=handle)
        os.write(file, b"Words.\n")
        os.close(file)
    os.close(handle)
    line.add(docs)
    done = line.run()
    assert "a.md" in texts(line)
    assert {row["code"] for row in line.rows("quarantine", "code")} == {"E_IO"}
    assert any("cannot be read" in warning for warning in done.documents.warnings)


def test_folders_below_the_depth_limit_are_not_entered(docs: Path) -> None:
    write(docs, {"/".join(["d"] * 64) + "/in.md": "x", "/".join(["d"] * 65) + "/out.md": "x"})
    assert [path.rpartition("/")[2] for path in listed(docs)] == ["in.md"]
