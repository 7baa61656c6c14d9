"""Links, devices, odd sizes and odd names in a folder, and their expected outcomes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tests.stress.hostile.case import READ

LEFT_OUT = ""
"""The outcome of a path that the listing skips: neither a document nor a refusal."""
_NO_TEXT = b"not\xff\xfeutf8.md"
"""A name that is not valid UTF-8; documents have it in an escaped form."""
APPARENT = 10_000_000_000
"""The size in bytes of a sparse file, which has no bytes on the disk."""
CHANGING = "changing.md"
"""The file that the test changes while it is read."""
OPENED = {
    "link_out.md": "E_SYMLINK", "link_loop.md": "E_SYMLINK", "link_nowhere.md": "E_SYMLINK",
    "link_etc.md": "E_SYMLINK",
    "link_zero.md": "E_SYMLINK", "link_folder": "E_SYMLINK", "pipe.md": "E_NOT_REGULAR", "socket.md": "E_IO",
    "folder.md": "E_NOT_REGULAR",
}  # fmt: skip
"""Paths that the listing skips, with the code if they replace a file after the listing."""


def create(folder: Path) -> dict[str, str]:
    """Create them all in a folder, and return the expected outcome by path."""
    folder.mkdir(parents=True)
    outside = folder.parent / "outside.md"
    outside.write_text("# Outside\n\nnot part of the source\n")
    return {
        **_links(folder, outside),
        **_special_files(folder),
        **_sizes(folder),
        **_names(folder),
        **_hidden(folder),
    }


def _links(folder: Path, outside: Path) -> dict[str, str]:
    targets = {
        "link_out.md": str(outside),
        "link_loop.md": "link_loop.md",
        "link_nowhere.md": "nowhere.md",
        "link_etc.md": "../" * 20 + "etc/passwd",
        "link_zero.md": "/dev/zero",
    }
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    (folder / "link_folder").symlink_to(".")
    os.link(_write(folder / "hard.md", "the same file\n"), folder / "hard_link.md")
    return {**dict.fromkeys(targets, LEFT_OUT), "link_folder": LEFT_OUT, "hard.md": READ, "hard_link.md": READ}


def _special_files(folder: Path) -> dict[str, str]:
    os.mkfifo(folder / "pipe.md")
    (folder / "folder.md").mkdir()
    here = os.getcwd()
    os.chdir(folder)  # the address of a socket has at most 108 bytes
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket.md")
    finally:
        os.chdir(here)
    return dict.fromkeys(("pipe.md", "socket.md", "folder.md"), LEFT_OUT)


def _sizes(folder: Path) -> dict[str, str]:
    for name in ("sparse.md", "sparse.pdf"):
        (folder / name).touch()
        os.truncate(folder / name, APPARENT)
    (folder / "empty.md").touch()
    _write(folder / "closed.md", "closed\n").chmod(0)
    closed = READ if os.geteuid() == 0 else "E_PERM"  # root can read it
    return {"sparse.md": "E_TOO_LARGE", "sparse.pdf": "E_TOO_LARGE", "closed.md": closed, "empty.md": LEFT_OUT}


def _names(folder: Path) -> dict[str, str]:
    names = (
        "new\nline.md",
        "n" * 252 + ".md",
        "quote'; drop table documents; --.md",
        "-rf.md",
        "caf\u00e9.md",
        "cafe\u0301.md",
        "case.md",
        "CASE.md",
        CHANGING,
    )
    for number, name in enumerate((*names, os.fsdecode(_NO_TEXT))):
        _write(folder / name, f"# Name {number}\n\ntext\n")
    return {**dict.fromkeys(names, READ), CHANGING: "E_CHANGED", "not%FF%FEutf8.md": READ}


def _hidden(folder: Path) -> dict[str, str]:
    (folder / ".git").mkdir()
    _write(folder / ".git" / "config.md", "hidden\n")
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(40):  # longer than any path that the system accepts
        os.mkdir("d" * 200, dir_fd=deep)
        deep, above = os.open("d" * 200, os.O_RDONLY, dir_fd=deep), deep
        os.close(above)
    os.close(os.open("deep.md", os.O_WRONLY | os.O_CREAT, dir_fd=deep))
    os.close(deep)
    return {".git/config.md": LEFT_OUT, "/".join(["d" * 200] * 40 + ["deep.md"]): LEFT_OUT}


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
