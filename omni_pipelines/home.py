"""The folder of a knowledge base and every path inside it."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from omni_pipelines.errors import HomeError

HOME_NAME = ".omni"
_UNSUITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP}
"""System errors that say that a folder cannot be a home."""


class _Inside:
    """A path relative to the home."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __get__(self, home: Home, owner: type[Home]) -> Path:
        return home.root / self._path


@dataclass(frozen=True)
class Home:
    """The `.omni` folder of a knowledge base."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> Self:
        """The home at a path, which may also be the folder that a home named `.omni` is in."""
        path = path.expanduser().absolute()
        inner = path / HOME_NAME
        return cls(inner if inner.is_dir() and not (path / "releases").is_dir() else path)

    tables = _Inside("tables")
    """Folder of the Lance tables, `<name>.lance`."""
    keyword = _Inside("keyword")
    """Folder of the keyword index, one folder `gen-<n>` for each generation."""
    releases = _Inside("releases")
    """Folder of the release records, `<n:012d>.json`."""
    step_records = _Inside("built")
    """Folder of the step records, `<step>.json`."""
    pins = _Inside("pins")
    """Folder of the pins, `<n>.json`: releases that collection keeps."""
    certificates = _Inside("certificates")
    """Folder of the erasure certificates, which name what was erased only as hashes."""
    erasure_plans = _Inside("forgetting")
    """Folder of the plans of erasures that are not certified yet."""
    quarantine = _Inside("quarantine")
    """Folder for damaged files that recovery moved aside."""
    quarantine_files = _Inside("quarantine.json")
    """File with the checksums of the table of files that were not read."""
    migrations = _Inside("migrations.jsonl")
    """What tables of earlier versions of omni got, one migration a line."""
    entries = _Inside("entries")
    """Folder of the knowledge entries, one Markdown file each; it is ingested as a source."""
    journal = _Inside("journal")
    """Folder of the append-only journals of questions, answers and gate results, `<table>.jsonl`."""
    dagster = _Inside("dagster")
    """The Dagster instance: run history, event logs, sensor cursors."""
    instance_file = _Inside("dagster/dagster.yaml")
    """The configuration of the Dagster instance, which omni writes and people may change."""
    logs = _Inside("logs")
    """Folder for the output of the processes of `omni dev`.

    It is outside the Dagster instance, because Dagster deletes files in its own `logs` folder.
    """
    metrics = _Inside("metrics")
    """Folder of the counters, `<kind>.json`, that outlive a process; no result depends on them."""
    jobs = _Inside("jobs")
    """Folder of the index jobs, `<id>.json`, and their events."""
    sessions = _Inside("sessions")
    """Folder of the tasks of the agent, one folder each."""
    shared = _Inside("shared")
    """Folder for the state of a home that shares a store with others; see docs/how-to/sharing.md."""
    alerts = _Inside("dagster/alerts.json")
    """File with the open alerts, and the messages about them that are not delivered yet; an erasure reaches it."""
    served_port = _Inside("dagster/dev.json")
    """File with the port on which an `omni dev` serves the page."""
    sources = _Inside("sources.json")
    """File with the registry of sources."""
    unread_files = _Inside("unread.json")
    """File with the files of each source that were seen and not read, as of its last ingest."""
    key = _Inside("receipt.key")
    """File with the key that seals receipts; whoever can read it can seal receipts as this home."""
    mcp_token = _Inside("mcp.token")
    """File with the token that clients of `omni mcp --transport http` send; only its owner can read it."""
    audit = _Inside("audit.jsonl")
    """The audit log: what agents, skills and MCP clients called, and what was decided."""
    lock = _Inside("LOCK")
    """File that the one writer locks."""
    writer = _Inside("writer.json")
    """File that names the process that holds the lock, and how far it is."""

    @property
    def config(self) -> Path:
        """The settings file, beside the home."""
        return self.root.parent / "omni.toml"

    @property
    def golden(self) -> Path:
        """The golden set, beside the home: people edit it and keep it under version control."""
        return self.root.parent / "golden.jsonl"

    def table(self, name: str) -> Path:
        """Folder of one Lance table."""
        return self.tables / f"{name}.lance"

    def check(self) -> None:
        """Check that the home exists and that its folders are folders.

        Raises:
            HomeError: the home does not exist or cannot be read, or a file has the name of one of its folders.
        """
        try:
            self._check_folders()
        except OSError as error:
            cure = "check the owner and the permissions"
            raise HomeError(f"{self.root} cannot be read: {error.strerror}", cure=cure) from error

    def _check_folders(self) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise HomeError(f"{self.root} is not a folder", cure="name another home with --home")
        if not self.root.exists():
            raise HomeError(f"there is no knowledge base at {self.root}", cure="create it: omni ingest PATH")
        for folder in (self.tables, self.keyword, self.releases):
            if folder.exists() and not folder.is_dir():
                cure = "move it away; the next ingest rebuilds what is missing"
                raise HomeError(f"{folder} is not a folder", cure=cure)

    def create(self) -> None:
        """Create the folders that are missing.

        Raises:
            HomeError: a file has the name of a folder, or the folder cannot be written.
        """
        if self.root.exists():
            self.check()
        folders = (self.keyword, self.releases, self.step_records, self.pins, self.quarantine, self.dagster)
        try:
            for folder in (self.tables, *folders):
                folder.mkdir(parents=True, exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            if error.errno not in _UNSUITABLE:  # a full disk, for example, has a meaning and a cure of its own
                raise
            cure = "choose another home with --home"
            raise HomeError(f"cannot write to {self.root}: {error.strerror}", cure=cure) from error
