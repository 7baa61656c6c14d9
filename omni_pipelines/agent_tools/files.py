"""The tools for files in the folder of the project. Links are never followed, hidden files are never seen."""

import time
from collections.abc import Iterator
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, Field

from omni_pipelines.agent_tools.file_changes import changed_text, difference
from omni_pipelines.agent_tools.scoped_files import read_text, walk, write_text
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.permissions.policies import Arguments
from omni_pipelines.permissions.scopes import ScopedFolder, folder_path
from omni_pipelines.text.secrets.masking import Masking, masked_text
from omni_pipelines.tools.signature import tool

MAX_LINES, MAX_CHARACTERS = 1_000, 100_000
MAX_LISTED, MAX_MATCHES, MAX_MATCH_CHARACTERS = 1_000, 200, 300
GREP_SECONDS = 20.0


class FileLines(BaseModel, frozen=True):
    """Lines of a file. Secrets are masked."""

    path: str
    first_line: int
    last_line: int
    total_lines: int
    text: str


class FileList(BaseModel, frozen=True):
    """Files and folders, which end with a slash."""

    entries: tuple[str, ...]
    left_out: int = 0
    """Entries beyond the first 1,000."""


class LineMatch(BaseModel, frozen=True):
    """A line that matches."""

    path: str
    line: int
    text: str


class LineMatches(BaseModel, frozen=True):
    """The lines that match, by path and line."""

    matches: tuple[LineMatch, ...]
    is_complete: bool
    """Whether all files were searched, and all matches are here."""


class WrittenFile(BaseModel, frozen=True):
    """A file that was written."""

    path: str
    is_new: bool
    size: int
    """In bytes."""


class FileTools:
    """The tools for the files of one folder."""

    def __init__(self, folder: ScopedFolder) -> None:
        self._folder = folder

    @tool("files.read", title="Read a file", category="files", read_only=True)
    def read(
        self,
        path: str,
        first_line: Annotated[int, Field(ge=1)] = 1,
        lines: Annotated[int, Field(ge=1, le=MAX_LINES)] = 300,
    ) -> FileLines:
        """Read lines of a text file in the project.

        Args:
            path: Relative to the project.
            first_line: From 1.
            lines: How many.
        """
        whole = masked_text(read_text(self._folder, path), Masking()).splitlines(keepends=True)
        text = "".join(whole[first_line - 1 : first_line - 1 + lines])[:MAX_CHARACTERS]
        last = first_line - 1 + len(text.splitlines())
        return FileLines(
            path=folder_path(path), first_line=first_line, last_line=last, total_lines=len(whole), text=text
        )

    @tool("files.list", title="List files", category="files", read_only=True)
    def list_(self, path: str = "", recursive: bool = False) -> FileList:
        """List the files of a folder in the project.

        Args:
            path: A folder.
            recursive: With all folders below it.
        """
        found = sorted(walk(self._folder, path, recursive=recursive))
        return FileList(entries=tuple(found[:MAX_LISTED]), left_out=max(0, len(found) - MAX_LISTED))

    @tool("files.grep", title="Search in files", category="files", read_only=True)
    def grep(self, pattern: Annotated[str, Field(max_length=500)], path: str = "") -> LineMatches:
        """Find the lines of files that match an expression of RE2.

        Args:
            pattern: The expression.
            path: A file or a folder.
        """
        deadline, matches = time.monotonic() + GREP_SECONDS, list[LineMatch]()
        for name in self._files(path):
            if len(matches) > MAX_MATCHES or time.monotonic() > deadline:
                return LineMatches(matches=tuple(matches[:MAX_MATCHES]), is_complete=False)
            matches.extend(self._matches(name, pattern))
        return LineMatches(matches=tuple(matches[:MAX_MATCHES]), is_complete=len(matches) <= MAX_MATCHES)

    @tool("files.write", title="Write a file", category="files", destructive=True, idempotent=True)
    def write(self, path: str, text: str) -> WrittenFile:
        """Create or replace a text file in the project.

        Args:
            path: Relative to the project.
            text: The whole content.
        """
        is_new = write_text(self._folder, path, text)
        return WrittenFile(path=folder_path(path), is_new=is_new, size=len(text.encode()))

    @tool("files.edit", title="Edit a file", category="files", destructive=True)
    def edit(
        self,
        path: str,
        old: Annotated[str, Field(min_length=1)],
        new: str,
    ) -> WrittenFile:
        """Replace one passage of a text file.

        Args:
            path: Relative to the project.
            old: Text that occurs exactly once.
            new: What replaces it.
        """
        return self.write(path, changed_text(path, read_text(self._folder, path), old, new))

    def preview_write(self, arguments: Arguments) -> str:
        """The difference that `files.write` makes."""
        path = str(arguments["path"])
        return difference(path, self._present(path), str(arguments["text"]))

    def preview_edit(self, arguments: Arguments) -> str:
        """The difference that `files.edit` makes.

        Raises:
            OmniError: the edit is not possible.
        """
        path, present = str(arguments["path"]), read_text(self._folder, str(arguments["path"]))
        return difference(path, present, changed_text(path, present, str(arguments["old"]), str(arguments["new"])))

    def _present(self, path: str) -> str | None:
        try:
            return read_text(self._folder, path)
        except FileNotFoundError:
            return None

    def _files(self, path: str) -> Iterator[str]:
        try:
            names = sorted(walk(self._folder, path, recursive=True))
        except NotADirectoryError:
            names = [folder_path(path)]
        return (name for name in names if not name.endswith("/"))

    def _matches(self, name: str, pattern: str) -> Iterator[LineMatch]:
        try:
            text = read_text(self._folder, name)
        except (ConfigurationError, OSError):  # not a text, too large, or gone
            return
        lines = text.splitlines()
        try:
            found = pc.match_substring_regex(pa.array(lines, pa.string()), pattern)
        except pa.ArrowInvalid as error:
            raise ConfigurationError(f"the pattern is not valid: {error}", cure="see the syntax of RE2") from error
        for index in pc.indices_nonzero(found).to_pylist():
            shown = masked_text(lines[index], Masking())[:MAX_MATCH_CHARACTERS]
            yield LineMatch(path=name, line=index + 1, text=shown)
