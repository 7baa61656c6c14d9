"""The folder of a knowledge base and every path inside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from omni_pipelines.errors import HomeError

HOME_NAME = ".omni"


@dataclass(frozen=True)
class Home:
    """The `.omni` folder of a knowledge base."""

    root: Path

    @property
    def tables(self) -> Path:
        """Folder of the Lance tables, `<name>.lance`."""
        return self.root / "tables"

    @property
    def keyword(self) -> Path:
        """Folder of the keyword index, one folder `gen-<n>` for each generation."""
        return self.root / "keyword"

    @property
    def releases(self) -> Path:
        """Folder of the release records, `<n:012d>.json`."""
        return self.root / "releases"

    @property
    def step_records(self) -> Path:
        """Folder of the step records, `<step>.json`."""
        return self.root / "built"

    @property
    def pins(self) -> Path:
        """Folder of the pins, `<n>.json`: releases that collection keeps."""
        return self.root / "pins"

    @property
    def certificates(self) -> Path:
        """Folder of the erasure certificates, which name what was erased only as hashes."""
        return self.root / "certificates"

    @property
    def erasure_plans(self) -> Path:
        """Folder of the plans of erasures that are not certified yet."""
        return self.root / "forgetting"

    @property
    def quarantine(self) -> Path:
        """Folder for damaged files that recovery moved aside."""
        return self.root / "quarantine"

    @property
    def entries(self) -> Path:
        """Folder of the knowledge entries, one Markdown file each; it is ingested as a source."""
        return self.root / "entries"

    @property
    def journal(self) -> Path:
        """Folder of the append-only journals of questions, answers and gate results, `<table>.jsonl`."""
        return self.root / "journal"

    @property
    def dagster(self) -> Path:
        """The Dagster instance: run history, event logs, sensor cursors."""
        return self.root / "dagster"

    @property
    def logs(self) -> Path:
        """Folder for the output of the processes of `omni dev`.

        It is outside the Dagster instance, because Dagster deletes files in its own `logs` folder.
        """
        return self.root / "logs"

    @property
    def metrics(self) -> Path:
        """Folder of the counters, `<kind>.json`, that outlive a process; no result depends on them."""
        return self.root / "metrics"

    @property
    def jobs(self) -> Path:
        """Folder of the index jobs, `<id>.json`, and their events."""
        return self.root / "jobs"

    @property
    def shared(self) -> Path:
        """Folder for the state of a home that shares a store with others; see docs/shared.md."""
        return self.root / "shared"

    @property
    def sources(self) -> Path:
        """File with the registry of sources."""
        return self.root / "sources.json"

    @property
    def lock(self) -> Path:
        """File that the one writer locks."""
        return self.root / "LOCK"

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
            HomeError: the home does not exist, or a file has the name of one of its folders.
        """
        if self.root.exists() and not self.root.is_dir():
            raise HomeError(f"{self.root} is not a folder", cure="name another home with --home")
        if not self.root.exists():
            raise HomeError(f"there is no knowledge base at {self.root}", cure="create it: omni ingest PATH")
        for folder in (self.tables, self.keyword, self.releases):
            if folder.exists() and not folder.is_dir():
                raise HomeError(
                    f"{folder} is not a folder", cure="move it away; the next ingest rebuilds what is missing"
                )

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
            raise HomeError(
                f"cannot write to {self.root}: {error.strerror}", cure="choose another home with --home"
            ) from error
