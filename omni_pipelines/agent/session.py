"""The session of a task: one folder with everything that it did, owned by one process at a time.

<home>/sessions/<id>/task.json            the task and its limits
events.jsonl         every event, in order
checkpoints.sqlite   the state after each node
effects.jsonl        calls of tools that were begun and ended
texts/<hash>         what tools returned, and other texts that the state refers to
receipt.json         the proof of the answer
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

import filelock
import orjson
from pydantic import Field

from native.durable import put_if_absent, write_whole
from omni_pipelines.agent.task_events import PersonAsked, TaskEnded
from omni_pipelines.errors import ConfigurationError, RetryableError, nearest
from omni_pipelines.events import Tail, payload_of
from omni_pipelines.home import Home
from omni_pipelines.ids import content_hash
from omni_pipelines.record_fields import Moment
from omni_pipelines.records import Event, Record, opened, sealed

MAX_TASK_LENGTH = 8_000
ENDED = ("done", "failed")
"""States from which a session does not go on."""
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")


class SessionBusy(RetryableError):
    """Another process carries out this task."""


class TaskRecord(Record):
    """What was asked for, and within which limits."""

    id: str
    task: str = Field(min_length=1, max_length=MAX_TASK_LENGTH)
    release: int | None
    """The release that all tools read; None if the home has none."""
    model: str
    steps: int | None
    """Calls of tools at most; None: as many as the planner estimates."""
    tokens: int
    """Tokens of the language model at most."""
    approvals: tuple[str, ...] = ()
    """What `--yes` approved beforehand."""
    created: Moment


class TaskSession:
    """An existing session."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events_file = folder / "events.jsonl"
        self.checkpoints_file = folder / "checkpoints.sqlite"
        self.effects_file = folder / "effects.jsonl"
        self.replies_file = folder / "replies.jsonl"
        self.receipt_file = folder / "receipt.json"
        self._texts = folder / "texts"

    @classmethod
    def create(cls, home: Home, record: TaskRecord) -> Self:
        """Make the folder of a new session."""
        session = cls(home.sessions / record.id)
        home.sessions.mkdir(parents=True, exist_ok=True)
        session.folder.mkdir(mode=0o700)  # it holds what documents and files say
        session._texts.mkdir()
        write_whole(session.folder / "task.json", sealed(record))
        return session

    @classmethod
    def open(cls, home: Home, session_id: str) -> Self:
        """The session with an id.

        Raises:
            ConfigurationError: there is none; the cure names the most similar id.
        """
        known = session_ids(home)
        if session_id not in known:
            cure = nearest(session_id, known, "see: omni sessions list")
            raise ConfigurationError(f"there is no session {session_id!r} in {home.root}", cure=cure)
        return cls(home.sessions / session_id)

    @property
    def id(self) -> str:
        """The id: when it was created, and four digits."""
        return self.folder.name

    @property
    def record(self) -> TaskRecord:
        """The task.

        Raises:
            ConfigurationError: its file cannot be read.
        """
        path = self.folder / "task.json"
        try:
            return opened(path.read_bytes(), TaskRecord)
        except (OSError, ValueError) as error:
            cure = f"delete the session: omni sessions delete {self.id}"
            raise ConfigurationError(f"{path} cannot be read", cure=cure) from error

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Own the session inside the block. The system ends the ownership when the process dies.

        Raises:
            SessionBusy: another process owns it.
        """
        lock = filelock.FileLock(self.folder / "lock", blocking=False)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            message = f"another process carries out session {self.id}"
            raise SessionBusy(message, cure="wait until it ends; see: omni sessions list") from error
        try:
            yield
        finally:
            lock.release()

    def keep(self, text: str) -> str:
        """Store a text, and return the name that `text` finds it by."""
        name = text_name(text)
        put_if_absent(self._texts / name, text.encode("utf-8", "surrogatepass"))
        return name

    def text(self, name: str) -> str:
        """The stored text with a name.

        Raises:
            ConfigurationError: there is none, or it was changed.
        """
        path = self._texts / name
        content = path.read_bytes() if re.fullmatch("[0-9a-f]{64}", name) and path.is_file() else b""
        if content_hash(content) != name:
            cure = f"delete the session: omni sessions delete {self.id}"
            raise ConfigurationError(f"a text of session {self.id} is missing or was changed: {name}", cure=cure)
        return content.decode("utf-8", "surrogatepass")

    def append_line(self, path: Path, entry: Mapping[str, str], *, is_durable: bool = False) -> None:
        """Append an entry to one of its files, in a single write."""
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, orjson.dumps(entry) + b"\n")
            if is_durable:
                os.fsync(handle)
        finally:
            os.close(handle)

    def read_lines(self, path: Path) -> Iterator[dict[str, str]]:
        """The entries of one of its files; a last line that a killed process did not complete is left out."""
        for line in path.read_bytes().splitlines() if path.exists() else ():
            with suppress(orjson.JSONDecodeError):
                yield orjson.loads(line)

    def events(self) -> list[Event]:
        """All recorded events, in order."""
        return list(Tail(self.events_file).read())

    @property
    def state(self) -> Literal["running", "waiting", "interrupted", "done", "failed"]:
        """How far it is, by its last event and its owner."""
        last = next((payload_of(event) for event in reversed(self.events())), None)
        if isinstance(last, TaskEnded):
            return last.outcome
        try:
            with self.owned():
                return "waiting" if isinstance(last, PersonAsked) else "interrupted"
        except SessionBusy:
            return "running"

    def delete(self) -> None:
        """Delete the folder with everything in it.

        Raises:
            SessionBusy: a process owns the session.
        """
        with self.owned():
            shutil.rmtree(self.folder)


def text_name(text: str) -> str:
    """The name under which a session keeps a text."""
    return content_hash(text.encode("utf-8", "surrogatepass"))


def new_session_id(now: datetime) -> str:
    """An id that sorts by time."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def session_ids(home: Home) -> list[str]:
    """The ids of all sessions, newest first."""
    return sorted((path.name for path in home.sessions.glob("*") if _ID.fullmatch(path.name)), reverse=True)
