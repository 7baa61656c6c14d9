"""What a person granted or denied, in a file of their own configuration folder, never in a folder of a project."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from omni_pipelines.errors import ConfigurationError, SecurityError
from omni_pipelines.ids import text_hash
from omni_pipelines.permissions.capabilities import check_pattern, names
from omni_pipelines.permissions.policies import Action, Effect
from omni_pipelines.permissions.scopes import folder_path, is_below
from omni_pipelines.permissions.user_file import UserFile
from omni_pipelines.record_fields import Moment, now
from omni_pipelines.records import Record
from omni_pipelines.sources.model.web_addresses import allowed_host


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


def built_in(action: Action) -> tuple[Grant, ...]:
    """The rules that count for a call without a grant: they allow known tools to read, and nothing else.

    A tool of a skill can have any name, such as `knowledge.erase`.
    """
    allows = action.is_known and action.effect is Effect.READ
    return tuple(rule for rule in BUILT_IN if allows or rule.decision == "deny")


def deciding(rules: Iterable[Grant], action: Action, project: Path) -> Grant | None:
    """The rule that decides about a call: the first that denies it, else the first that allows it, else None."""
    at = now()
    applying = [rule for rule in rules if rule.applies(action, project, at)]
    return next((rule for rule in applying if rule.decision == "deny"), None) or next(iter(applying), None)


class GrantFile(UserFile[Grants]):
    """The grants of a person, in one file. A file that is damaged, or that others may write, grants nothing."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, Grants)

    def read(self) -> tuple[Grant, ...]:
        """The grants, in the order in which they were added.

        Raises:
            ConfigurationError: the file is damaged, or somebody else can write it.
        """
        return self.content().grants

    def add(self, grant: Grant) -> None:
        """Add a grant; one that is there already is replaced.

        Raises:
            ConfigurationError: as for `read`.
        """
        self.change(lambda content: Grants(grants=(*(each for each in content.grants if each.id != grant.id), grant)))

    def remove(self, identity: str) -> Grant:
        """Remove a grant and return it.

        Raises:
            ConfigurationError: there is none with this id; or as for `read`.
        """
        found = next((grant for grant in self.read() if grant.id == identity), None)
        if found is None:
            raise ConfigurationError(f"there is no grant {identity!r}", cure="see: omni permissions list")
        self.change(lambda content: Grants(grants=tuple(each for each in content.grants if each.id != identity)))
        return found
