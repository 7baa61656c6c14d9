"""A record of a person in their own configuration folder, which several processes may change."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import filelock
import orjson
from pydantic import ValidationError

from native.durable import write_whole
from omni_pipelines.errors import ConfigurationError, RetryableError
from omni_pipelines.records import Record

LOCK_SECONDS = 10.0
R = TypeVar("R", bound=Record)
_WRITABLE_BY_OTHERS = 0o022


class UserFile(Generic[R]):
    """A record in a file. One that is damaged, or that others may write, is an error and not an empty record."""

    def __init__(self, file: Path, kind: type[R]) -> None:
        self.file, self._kind = file, kind

    def content(self) -> R:
        """The record; without a file, the empty one.

        Raises:
            ConfigurationError: the file is damaged, or somebody else can write it.
        """
        try:
            status, raw = self.file.stat(), self.file.read_bytes()
        except FileNotFoundError:
            return self._kind()
        if status.st_mode & _WRITABLE_BY_OTHERS or status.st_uid not in (os.getuid(), 0):
            problem = f"others can write {self.file}, so it counts for nothing"
            raise ConfigurationError(problem, cure=f"run: chmod go-w {self.file}")
        try:
            return self._kind.model_validate_json(raw)
        except ValidationError as error:
            reason, cure = error.errors()[0]["msg"], "correct it, or move it away to begin without it"
            raise ConfigurationError(f"{self.file} is damaged: {reason}", cure=cure) from error

    def change(self, change: Callable[[R], R]) -> None:
        """Replace the record by what `change` makes of it, while no other process does.

        Raises:
            ConfigurationError: as for `content`.
            RetryableError: another process held the file for ten seconds.
        """
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with filelock.FileLock(self.file.with_suffix(".lock"), timeout=LOCK_SECONDS):
                record = change(self.content()).model_dump(mode="json")
                write_whole(self.file, orjson.dumps(record, option=orjson.OPT_INDENT_2))
                self.file.chmod(0o600)
        except filelock.Timeout as error:
            raise RetryableError(f"another process holds {self.file}", cure="try again in a moment") from error
