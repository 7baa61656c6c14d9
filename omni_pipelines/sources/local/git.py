"""The files of a git repository at a revision, read from its objects without a working tree.

Nothing that the repository configures is run: no hooks, filters or helpers. Nothing is fetched.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from native.errors import RepositoryUnreadable
from native.git_objects import GitObjects, open_repository
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import refuse_empty, refuse_large
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.model.listing import FileContent, Listing, ReadFile, SourceFile
from omni_pipelines.sources.model.names import shown_name
from omni_pipelines.sources.model.selection import FileSelection
from omni_pipelines.sources.model.source import Source, missing_source

_REGULAR_MODES = {"100644", "100755"}
_OTHER_MODES = {"120000": "a link", "160000": "a submodule"}


def list_revision(source: Source, limits: SourceLimits) -> Listing:
    """List the files at a revision; their version marks are the ids of their blobs.

    Raises:
        SourceMissing: there is no such repository or revision.
        ConfigurationError: git is not installed.
    """
    selection = FileSelection(source)
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
        path = shown_name(entry.path)
        if entry.mode not in _REGULAR_MODES:
            what = _OTHER_MODES.get(entry.mode, "not a regular file")
            selection.ignore(path, what.removeprefix("a "), f"built-in rule: it is {what}")
        elif path.count("/") > limits.folder_depth:
            selection.ignore(path, "too deep", f"built-in rule: it is below {limits.folder_depth} folders")
        elif not selection.is_ruled_out(path):
            selection.add(path, entry.size, seconds * 1_000_000_000, entry.blob)
    return selection.listing()


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
    if not os.path.isdir(source.root):  # unlike Path.is_dir, it raises nothing below a closed folder
        raise missing_source(source)
    try:
        with open_repository(program, source.root) as repository:
            yield repository
    except RepositoryUnreadable as error:
        raise SourceMissing(f"source {source.name}: {source.location}: {error.message}", cure=error.cure) from error
