"""Decides which files of a source are read, and names the others with what became of them."""

import functools
import mimetypes
from collections.abc import Iterable
from datetime import UTC, datetime

from omni_pipelines.ignore_rules import IgnoreRules
from omni_pipelines.refusals import Fate, UnreadFile, suffix_of
from omni_pipelines.sources.model.listing import Listing, SourceFile
from omni_pipelines.sources.model.names import built_in_rule
from omni_pipelines.sources.model.source import Source, forgotten_marks
from omni_pipelines.text.readers.formats import Reader
from omni_pipelines.text.readers.registry import reader_for, reader_of_ending

_MEDIA_TYPES = mimetypes.MimeTypes(filenames=())
"""Not the types of this machine: every machine must say the same."""


@functools.lru_cache(maxsize=1024)
def _without_reader(suffix: str) -> str:
    """Why a file with this suffix is not read."""
    return f"no reader for {_MEDIA_TYPES.types_map[True].get(suffix, f'{suffix} files')}"


class FileSelection:
    """The files of one listing of a source: those that are read, and those that are not."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._include, self._exclude = map(IgnoreRules.of_patterns, (source.include, source.exclude))
        self._forgotten = frozenset(source.forgotten)
        self._is_choosing = bool(source.include or source.exclude or source.forgotten)
        self._readers: dict[str, Reader | None] = {}
        """The end of a path to the reader of all files whose paths end so: nearly all files need no other look."""
        self._files: dict[str, SourceFile] = {}
        self._unread: dict[str, UnreadFile] = {}

    def add(
        self,
        path: str,
        size: int | None,
        mtime_ns: int,
        version_mark: str,
        real_path: str = "",
        fallback: Reader | None = None,
    ) -> None:
        """Add a file under its shown path, unless the patterns leave it out, it is empty, or no reader reads it.

        Args:
            path: as documents have it.
            size: in bytes, if it is known.
            mtime_ns: as in `SourceFile`, like `version_mark` and `real_path`.
            version_mark: see there.
            real_path: see there.
            fallback: reads it if no reader reads files of this name.
        """
        ending = path[path.rfind(".") - 1 :]
        if ending not in self._readers:
            self._readers[ending] = self._reader_of_ending(ending)
        reader = self._readers[ending] if size else None
        if reader is None:
            reader = self.reader_of(path, size, fallback)
        if reader is not None:
            self._files[path] = SourceFile(path, size or 0, mtime_ns, version_mark, reader, real_path)

    def _reader_of_ending(self, ending: str) -> Reader | None:
        """The reader of every file whose path ends so, a letter and a suffix; None if each has to be looked at."""
        is_looked_at = self._exclude or self._forgotten or self._source.pictures
        if is_looked_at or (self._source.include and not self._include.matches_suffix(ending[1:])):
            return None
        return reader_of_ending(ending)

    def reader_of(self, path: str, size: int | None, fallback: Reader | None = None) -> Reader | None:
        """The reader of a file; None if the file is not read, which is named then."""
        if self._is_choosing and not self.is_chosen(path):
            return None
        reader = reader_for(path, pictures=self._source.pictures) or fallback
        if size == 0:
            self.leave_out(path, Fate.EMPTY, "it has no bytes")
            return None
        if reader is None:
            self.leave_out(path, Fate.UNKNOWN, _without_reader(suffix_of(path)))
        return reader

    def is_ruled_out(self, path: str, *, inside: str = "", is_vendored_read: bool = False) -> bool:
        """Whether a built-in rule leaves out a path; it is named then, or the folder of it that is not entered.

        `inside` is what stands before the path: the file that holds it, with a slash.
        """
        rule = built_in_rule(path, is_vendored_read=is_vendored_read)
        if rule is None:
            return False
        left_out, kind, reason = rule
        self.ignore(f"{inside}{left_out}", kind, reason)
        return True

    def is_chosen(self, path: str) -> bool:
        """Whether the patterns of the source choose a path; if not, it is named. Erased files are never chosen."""
        pattern = self._pattern_against(path)
        if pattern is not None:
            self.ignore(*pattern)
        return pattern is None and not self.is_forgotten(path)

    def wants(self, path: str) -> bool:
        """The same, without naming anything."""
        return self._pattern_against(path) is None and not self.is_forgotten(path)

    def ignore(self, path: str, kind: str, reason: str) -> None:
        """Name a file or folder that a rule leaves out."""
        if not self.is_forgotten(path):
            self._unread[path] = UnreadFile(path, Fate.IGNORED, kind, reason)

    def leave_out(self, path: str, fate: Fate, reason: str) -> None:
        """Name a file that is not read for another reason than a rule."""
        if not self.is_forgotten(path):
            self._unread[path] = UnreadFile(path, fate, suffix_of(path), reason)

    def added(self, path: str) -> SourceFile | None:
        """The file that was added under a path."""
        return self._files.get(path)

    def listing(self, unreadable: Iterable[str] = (), notes: Iterable[str] = ()) -> Listing:
        """The listing of everything that was added and left out."""
        files = tuple(self._files[path] for path in sorted(self._files))
        return Listing(self._source, files, self.unread, tuple(unreadable), datetime.now(UTC), tuple(notes))

    @property
    def unread(self) -> tuple[UnreadFile, ...]:
        """What was left out, sorted by path."""
        return tuple(self._unread[path] for path in sorted(self._unread) if path not in self._files)

    def _pattern_against(self, path: str) -> tuple[str, str, str] | None:
        """What a pattern of the source leaves out of a path, the kind of pattern and the reason."""
        if self._exclude and (excluded := self._exclude.matching(path)) is not None:
            left_out, rule = excluded
            return left_out, "excluded", f"exclude: {rule.text}"
        if self._source.include and not self._include.matches(path):
            return path, "not included", f"include: {' '.join(self._source.include)}"
        return None

    def is_forgotten(self, path: str) -> bool:
        """Whether the file at a path was erased: it is neither read nor named."""
        return bool(self._forgotten) and not self._forgotten.isdisjoint(forgotten_marks(self._source, path))
