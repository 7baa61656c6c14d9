"""The files of a git repository at a revision: read out of its objects, without a working tree.

Nothing of the repository is run: no hooks, no filters, no helper that its configuration names. Nothing is fetched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.file_reads import refuse_empty, refuse_large
from omni_pipelines.sources.names import MAX_DEPTH, is_vendored, shown_name
from omni_pipelines.sources.source import Content, Found, Listing, Read, Source
from omni_pipelines.text.readers.registry import reader_for

_SECONDS = 120
_FILES = {"100644", "100755"}
"""Modes of regular files; links and submodules are none."""
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never")
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "LC_ALL": "C",
    "PATH": os.defpath,
}


@dataclass(frozen=True)
class _Entry:
    mode: str
    blob: str
    size: int
    path: str


def list_revision(source: Source) -> Listing:
    """The files at the revision now, sorted by path; their marks are the ids of their blobs.

    Raises:
        SourceMissing: there is no such repository or revision.
        ConfigurationError: git is not installed.
    """
    commit = _commit(source)
    seconds = int(_git(source, "show", "--no-patch", "--format=%ct", commit).strip())
    files, skipped = [], 0
    for entry in _entries(_git(source, "ls-tree", "-r", "-z", "-l", "--full-tree", commit)):
        if entry.mode not in _FILES or not _is_entered(entry.path, source):
            continue
        reader = reader_for(entry.path)
        if reader is None or entry.size == 0 or entry.path.rpartition("/")[2].startswith("."):
            skipped += 1
        else:
            files.append(Found(shown_name(entry.path), entry.size, seconds * 1_000_000_000, entry.blob, reader))
    return Listing(source, tuple(sorted(files, key=lambda found: found.path)), skipped, (), datetime.now(UTC))


@contextmanager
def reading_blobs(source: Source) -> Iterator[Read]:
    """Read files by the ids of their blobs: what is read is what was listed, whatever happens to the branch."""
    command = [*_command(source), "cat-file", "--batch"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_ENVIRONMENT
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def read(found: Found, limit: int) -> Content:
            refuse_large(found.size, limit)
            stdin.write(found.stat.encode() + b"\n")
            stdin.flush()
            header = stdout.readline().split()
            if len(header) != 3 or header[1] != b"blob":
                raise Unreadable(RefusalCode.VANISHED, "its blob is not in the repository")
            raw = stdout.read(int(header[2]))
            stdout.read(1)
            refuse_empty(raw)
            return Content(raw, found.stat)

        try:
            yield read
        finally:
            stdin.close()


def _commit(source: Source) -> str:
    if source.rev.startswith("-") or not source.rev.isprintable():
        raise SourceMissing(
            f"source {source.name}: {source.rev!r} is no revision", cure="name a branch, tag or commit"
        )
    if not source.root.is_dir():
        raise SourceMissing(f"source {source.name}: {source.root} is not there", cure="bring it back")
    return _git(source, "rev-parse", "--verify", "--quiet", source.rev + "^{commit}").strip()


def _entries(listed: str) -> Iterator[_Entry]:
    for line in filter(None, listed.split("\0")):
        fields, _, path = line.partition("\t")
        mode, kind, blob, size = fields.split()
        if kind == "blob":
            yield _Entry(mode, blob, int(size), path)


def _is_entered(path: str, source: Source) -> bool:
    """As in a folder: nothing hidden, nothing vendored, unless patterns choose; nothing below 64 folders."""
    folders = path.split("/")[:-1]
    if len(folders) > MAX_DEPTH or any(name.startswith(".") for name in folders):
        return False
    return bool(source.include) or not is_vendored(path)


def _command(source: Source) -> list[str]:
    program = shutil.which("git")
    if program is None:
        raise ConfigurationError("git is not installed", cure="install it, or name a folder instead")
    return [program, *_SAFE, "-c", f"safe.directory={source.root}", "-C", str(source.root)]


def _git(source: Source, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [*_command(source), *arguments], env=_ENVIRONMENT, capture_output=True, timeout=_SECONDS, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise SourceMissing(f"source {source.name}: git does not answer", cure="check the repository") from error
    except subprocess.CalledProcessError as error:
        told = error.stderr.decode("utf-8", "replace").strip().splitlines()
        why = told[0] if told else f"there is no revision {source.rev}"
        raise SourceMissing(f"source {source.name}: {source.location}: {why}", cure="check both names") from error
    return done.stdout.decode("utf-8", "surrogateescape")
