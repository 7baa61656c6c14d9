"""The files of a git repository at a revision, read from its objects without a working tree.

Nothing that the repository configures is run: no hooks, filters or helpers. Nothing is fetched.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import refuse_empty, refuse_large
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.names import is_vendored, shown_name
from omni_pipelines.sources.model.source import Source, missing_source
from omni_pipelines.text.readers.registry import reader_for

GIT_SECONDS = 120
_REGULAR_MODES = {"100644", "100755"}
_SAFE_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never")
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


def list_revision(source: Source, limits: SourceLimits) -> Listing:
    """List the files at a revision; their version marks are the ids of their blobs.

    Raises:
        SourceMissing: there is no such repository or revision.
        ConfigurationError: git is not installed.
    """
    commit = _commit(source)
    seconds = int(_git(source, "show", "--no-patch", "--format=%ct", commit).strip())
    files, skipped = [], 0
    for line in filter(None, _git(source, "ls-tree", "-r", "-z", "-l", "--full-tree", commit).split("\0")):
        fields, _, path = line.partition("\t")
        mode, _, blob, size = fields.split()
        if mode not in _REGULAR_MODES or not _is_entered(path, source, limits.folder_depth):
            continue
        reader = reader_for(path)
        if reader is None or size == "0" or path.rpartition("/")[2].startswith("."):
            skipped += 1
        else:
            files.append(SourceFile(shown_name(path), int(size), seconds * 1_000_000_000, blob, reader))
    return Listing(source, tuple(sorted(files, key=lambda file: file.path)), skipped, (), datetime.now(UTC))


@contextmanager
def open_revision(source: Source) -> Iterator[ReadFile]:
    """Read files by the ids of their blobs: exactly what was listed, even if the branch moves meanwhile."""
    command = [*_command(source), "cat-file", "--batch"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_ENVIRONMENT
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def read(file: SourceFile, limit: int) -> FileContent:
            refuse_large(file.size, limit)
            stdin.write(file.version_mark.encode() + b"\n")
            stdin.flush()
            header = stdout.readline().split()
            if len(header) != 3 or header[1] != b"blob":
                raise Unreadable(RefusalCode.VANISHED, "its blob is not in the repository")
            raw = stdout.read(int(header[2]))
            stdout.read(1)
            refuse_empty(raw)
            return FileContent(raw, file.version_mark)

        try:
            yield read
        finally:
            stdin.close()


def _commit(source: Source) -> str:
    if source.rev.startswith("-") or not source.rev.isprintable():
        raise SourceMissing(
            f"source {source.name}: {source.rev!r} is not a revision", cure="name a branch, tag or commit"
        )
    if not source.root.is_dir():
        raise missing_source(source)
    return _git(source, "rev-parse", "--verify", "--quiet", source.rev + "^{commit}").strip()


def _is_entered(path: str, source: Source, depth: int) -> bool:
    """Whether a folder source would enter the folders of a path: none is hidden, and vendored only with patterns."""
    folders = path.split("/")[:-1]
    if len(folders) > depth or any(name.startswith(".") for name in folders):
        return False
    return bool(source.include) or not is_vendored(path)


def _command(source: Source) -> list[str]:
    program = shutil.which("git")
    if program is None:
        raise ConfigurationError("git is not installed", cure="install it, or add a folder instead")
    return [program, *_SAFE_OPTIONS, "-c", f"safe.directory={source.root}", "-C", str(source.root)]


def _git(source: Source, *arguments: str) -> str:
    try:
        result = subprocess.run(
            [*_command(source), *arguments], env=_ENVIRONMENT, capture_output=True, timeout=GIT_SECONDS, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise SourceMissing(
            f"source {source.name}: git did not finish within {GIT_SECONDS} s", cure="check the repository: git fsck"
        ) from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[0] if lines else f"there is no revision {source.rev}"
        raise SourceMissing(
            f"source {source.name}: {source.location}: {reason}", cure="check the repository and the revision"
        ) from error
    return result.stdout.decode("utf-8", "surrogateescape")
