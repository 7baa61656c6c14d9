"""What a person granted or denied, in a file of their own configuration folder, never in a folder of a project."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import filelock
import orjson
from pydantic import AfterValidator, Field, ValidationError

from native.durable import write_whole
from omni_pipelines.errors import ConfigurationError, SecurityError
from omni_pipelines.ids import text_hash
from omni_pipelines.permissions.capabilities import check_pattern, names
from omni_pipelines.permissions.policies import Action
from omni_pipelines.permissions.scopes import folder_path, is_below
from omni_pipelines.record_fields import Moment, now
from omni_pipelines.records import Record
from omni_pipelines.sources.model.web_addresses import allowed_host

LOCK_SECONDS = 10.0


def _checked(check: Callable[[str], str]) -> AfterValidator:
    def validate(text: str) -> str:
        try:
            return check(text) if text else text
        except (ConfigurationError, SecurityError) as error:
            raise ValueError(f"{error.message}; {error.cure}") from error

    return AfterValidator(validate)


class Grant(Record):
    """One rule: which capabilities it names, and where."""

    decision: Literal["allow", "deny"] = "allow"
    capabilities: Annotated[str, _checked(check_pattern), Field(min_length=1)]
    path: Annotated[str, _checked(folder_path)] = ""
    """Only for paths at or below this one of the project; "" for all."""
    host: Annotated[str, _checked(allowed_host)] = ""
    """Only for this host; "" for all."""
    project: str = ""
    """Only for the project in this folder; "" for all."""
    until: Moment | None = None

    @property
    def id(self) -> str:
        """A short name that depends on the rule alone."""
        body = self.model_dump_json(exclude={"until"})
        return text_hash("grant", body)[:8]

    @property
    def where(self) -> str:
        """Where the rule counts, as a person reads it; "" is everywhere."""
        fields = {"path": self.path, "host": self.host, "in": self.project}
        return ", ".join(f"{name} {value}" for name, value in fields.items() if value)

    def __str__(self) -> str:
        return f"{self.id} ({', '.join(filter(None, (f'{self.decision} {self.capabilities}', self.where)))})"

    def applies(self, action: Action, project: Path, at: datetime) -> bool:
        """Whether the rule decides about a call. An allowing rule must fit everything that the call names.

        A denying rule fits if anything that the call reaches is named by it, case and forms of letters ignored.
        """
        if self.until is not None and at >= self.until:
            return False
        if self.project and Path(self.project) != project:
            return False
        if not names(self.capabilities, action.capability):
            return False
        return self._is_denied(action) if self.decision == "deny" else self._is_covered(action)

    def _is_covered(self, action: Action) -> bool:
        paths = not self.path or (
            bool(action.paths) and all(is_below(p, self.path, exactly=True) for p in action.paths)
        )
        hosts = not self.host or (bool(action.hosts) and all(host == self.host for host in action.hosts))
        return paths and hosts

    def _is_denied(self, action: Action) -> bool:
        if not action.is_known or not (self.path or self.host):
            return True
        is_host = bool(self.host) and self.host in action.hosts
        return is_host or (bool(self.path) and any(self._reaches(path, action) for path in action.paths))

    def _reaches(self, path: str, action: Action) -> bool:
        below = is_below(path, self.path, exactly=False)
        return below or (action.covers_folders and is_below(self.path, path, exactly=False))


class Grants(Record):
    """The content of the file."""

    grants: tuple[Grant, ...] = ()


BUILT_IN = (
    Grant(capabilities="knowledge:*"),
    Grant(capabilities="notes:find"),
    Grant(capabilities="dagster:status"),
    Grant(decision="deny", capabilities="files:write", path="omni.toml"),
)
"""What needs no grant, which is reading the knowledge base; and that no tool changes the settings."""


def deciding(rules: Iterable[Grant], action: Action, project: Path) -> Grant | None:
    """The rule that decides about a call: the first that denies it, else the first that allows it, else None."""
    at = now()
    applying = [rule for rule in rules if rule.applies(action, project, at)]
    return next((rule for rule in applying if rule.decision == "deny"), None) or next(iter(applying), None)


class GrantFile:
    """The grants of a person, in one file. A file that is damaged, or that others may write, grants nothing."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> tuple[Grant, ...]:
        """The grants, in the order in which they were added.

        Raises:
            ConfigurationError: the file is damaged, or somebody else can write it.
        """
        try:
            status, raw = self.file.stat(), self.file.read_bytes()
        except FileNotFoundError:
            return ()
        if status.st_mode & 0o022 or status.st_uid not in (os.getuid(), 0):
            raise ConfigurationError(
                f"others can write {self.file}, so it grants nothing", cure=f"run: chmod go-w {self.file}"
            )
        try:
            return Grants.model_validate_json(raw).grants
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            cure = "correct it, or move it away to start without grants"
            raise ConfigurationError(f"{self.file} is damaged: {reason}", cure=cure) from error

    def add(self, grant: Grant) -> None:
        """Add a grant; one that is there already is replaced.

        Raises:
            ConfigurationError: as for `read`.
        """
        with self._locked():
            self._write((*(other for other in self.read() if other.id != grant.id), grant))

    def remove(self, identity: str) -> Grant:
        """Remove a grant and return it.

        Raises:
            ConfigurationError: there is none with this id; or as for `read`.
        """
        with self._locked():
            grants = self.read()
            found = next((grant for grant in grants if grant.id == identity), None)
            if found is None:
                raise ConfigurationError(f"there is no grant {identity!r}", cure="see: omni permissions list")
            self._write(tuple(grant for grant in grants if grant is not found))
        return found

    def _locked(self) -> filelock.BaseFileLock:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return filelock.FileLock(self.file.with_suffix(".lock"), timeout=LOCK_SECONDS)

    def _write(self, grants: tuple[Grant, ...]) -> None:
        record = Grants(grants=grants).model_dump(mode="json")
        write_whole(self.file, orjson.dumps(record, option=orjson.OPT_INDENT_2))
        self.file.chmod(0o600)
