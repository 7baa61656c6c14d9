"""The files of a git repository at a revision, read from its objects without a working tree.

Nothing that the repository configures is run: no hooks, filters or helpers. Nothing is fetched.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from native.errors import RepositoryUnreadable
from native.git_objects import GitObjects, open_repository
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import refuse_empty, refuse_large
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.names import is_vendored, shown_name
from omni_pipelines.sources.model.source import Source, missing_source
from omni_pipelines.text.readers.registry import reader_for

_REGULAR_MODES = {"100644", "100755"}


def list_revision(source: Source, limits: SourceLimits) -> Listing:
    """List the files at a revision; their version marks are the ids of their blobs.

    Raises:
        SourceMissing: there is no such repository or revision.
        ConfigurationError: git is not installed.
    """
    files, skipped = [], 0
    with _repository(source) as repository:
        found = repository.commit(source.rev)
        if found is None:
            raise SourceMissing(
                f"source {source.name}: {source.location}: there is no revision {source.rev!r}",
                cure="name a branch, tag or commit",
            )
        commit, seconds = found
        entries = repository.tree(commit)
    for entry in entries:
        if entry.mode not in _REGULAR_MODES or not _is_entered(entry.path, source, limits.folder_depth):
            continue
        reader = reader_for(entry.path)
        if reader is None or entry.size == 0 or entry.path.rpartition("/")[2].startswith("."):
            skipped += 1
        else:
            size = entry.size or 0
            files.append(SourceFile(shown_name(entry.path), size, seconds * 1_000_000_000, entry.blob, reader))
    return Listing(source, tuple(sorted(files, key=lambda file: file.path)), skipped, (), datetime.now(UTC))


@contextmanager
def open_revision(source: Source) -> Iterator[ReadFile]:
    """Read files by the ids of their blobs: exactly what was listed, even if the branch moves meanwhile."""
    with _repository(source) as repository:

        def read(file: SourceFile, limit: int) -> FileContent:
            refuse_large(file.size, limit)
            try:
                raw = repository.read(file.version_mark)
            except RepositoryUnreadable as error:
                raise Unreadable(RefusalCode.IO, f"{error.message}; {error.cure}") from error
            if raw is None:
                raise Unreadable(RefusalCode.VANISHED, "its content is not in the repository")
            refuse_empty(raw)
            return FileContent(raw, file.version_mark)

        yield read


@contextmanager
def _repository(source: Source) -> Iterator[GitObjects]:
    program = shutil.which("git")
    if program is None:
        raise ConfigurationError("git is not installed", cure="install it, or add a folder instead")
    if not source.root.is_dir():
        raise missing_source(source)
    try:
        with open_repository(program, source.root) as repository:
            yield repository
    except RepositoryUnreadable as error:
        raise SourceMissing(f"source {source.name}: {source.location}: {error.message}", cure=error.cure) from error


def _is_entered(path: str, source: Source, depth: int) -> bool:
    """Whether a folder source would enter the folders of a path: none is hidden, and vendored only with patterns."""
    folders = path.split("/")[:-1]
    if len(folders) > depth or any(name.startswith(".") for name in folders):
        return False
    return bool(source.include) or not is_vendored(path)
