"""Approvals: a person allows one call with exactly these arguments, once, for a session, or for a project."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import orjson

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.permissions.policies import Effect
from omni_pipelines.permissions.user_file import UserFile
from omni_pipelines.record_fields import Moment, Sha256, now
from omni_pipelines.records import Record
from omni_pipelines.tools.definition import JsonObject, ToolDefinition, to_document

MAX_WAITING = 20
"""Calls that wait for an approval; the oldest are forgotten first."""
MAX_ARGUMENT_BYTES = 1 << 18


class ApprovalScope(StrEnum):
    """How long an approval counts. It always counts for one tool with exactly the same arguments."""

    ONCE = "once"
    SESSION = "session"
    PROJECT = "project"


def canonical(arguments: Mapping[str, object]) -> bytes:
    """The arguments as JSON with sorted keys: what is approved, written down and passed to the tool.

    Raises:
        ConfigurationError: they are no JSON, or longer than 256 KiB.
    """
    try:
        raw = orjson.dumps(dict(arguments), option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"the arguments are no JSON: {error}", cure="pass plain values only") from error
    if len(raw) > MAX_ARGUMENT_BYTES:
        raise ConfigurationError("the arguments are longer than 256 KiB", cure="pass less in one call")
    return raw


def digest_of(tool: ToolDefinition, arguments: bytes) -> str:
    """The sha256 of a call: the whole definition of the tool, and its canonical arguments."""
    definition = orjson.dumps(to_document(tool), option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(len(definition).to_bytes(8, "big") + definition)
    digest.update(arguments)
    return digest.hexdigest()


@dataclass(frozen=True)
class ApprovalRequest:
    """What a person is asked."""

    tool: str
    arguments: JsonObject
    capability: str
    effect: Effect
    digest: str
    reason: str
    """Why it is asked: no grant, or text of somebody else was read before."""
    preview: str = ""
    """Such as the difference that an edit makes."""
    is_tainted: bool = False
    """Whether the session has read text that somebody else wrote."""


@dataclass(frozen=True)
class ApprovalAnswer:
    """What the person says; no scope is a refusal."""

    scope: ApprovalScope | None = None
    reason: str = ""


class Approver(Protocol):
    """Asks a person, or answers as a person told it before."""

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        """The answer; None if nobody is there who could answer."""


class Approval(Record):
    """One approved call, or one that waits for it."""

    digest: Sha256
    tool: str
    arguments: str
    """As canonical JSON."""
    preview: str = ""
    """What the call would have changed when it was refused."""
    scope: ApprovalScope = ApprovalScope.ONCE
    session: str = ""
    project: str = ""
    at: Moment

    @property
    def id(self) -> str:
        """A short name for commands."""
        return self.digest[:12]

    @property
    def shown(self) -> str:
        """What a person reads before they approve it."""
        arguments = orjson.dumps(orjson.loads(self.arguments), option=orjson.OPT_INDENT_2).decode()
        return f"{arguments}\n{self.preview}".rstrip()

    def covers(self, digest: str, session: str, project: Path) -> bool:
        """Whether this approves a call with this digest in a session of a project."""
        if self.digest != digest or self.project != str(project):
            return False
        return self.scope is ApprovalScope.PROJECT or self.session == session


class Approvals(Record):
    """The content of the file."""

    approved: tuple[Approval, ...] = ()
    waiting: tuple[Approval, ...] = ()


class ApprovalFile(UserFile[Approvals]):
    """The approvals of a person and the calls that wait for one.

    Every method raises ConfigurationError if the file is damaged, or somebody else can write it.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(file, Approvals)

    def approved(self) -> tuple[Approval, ...]:
        """What is approved, in the order of the approvals."""
        return self.content().approved

    def waiting(self) -> tuple[Approval, ...]:
        """The calls that were refused because nobody was there to approve them."""
        return self.content().waiting

    def take(self, digest: str, session: str, project: Path) -> Approval | None:
        """The approval that covers a call, if there is one; an approval for once is used up by this."""
        taken: list[Approval] = []

        def use(content: Approvals) -> Approvals:
            found = _covering(content, digest, session, project)
            taken.extend(found)
            once = [each for each in found if each.scope is ApprovalScope.ONCE]
            kept = tuple(each for each in content.approved if each not in once)
            return content.model_copy(update={"approved": kept})

        if not _covering(self.content(), digest, session, project):
            return None
        self.change(use)
        return next(iter(taken), None)

    def add(self, approval: Approval) -> None:
        """Write down an approval; it waits no longer."""

        def approve(content: Approvals) -> Approvals:
            waiting = tuple(each for each in content.waiting if each.digest != approval.digest)
            return Approvals(approved=(*content.approved, approval), waiting=waiting)

        self.change(approve)

    def wait(self, approval: Approval) -> None:
        """Write down that a call waits for an approval."""

        def queue(content: Approvals) -> Approvals:
            others = [each for each in content.waiting if each.digest != approval.digest]
            return content.model_copy(update={"waiting": (*others, approval)[-MAX_WAITING:]})

        self.change(queue)

    def find_waiting(self, identity: str) -> Approval:
        """The call with this id that waits.

        Raises:
            ConfigurationError: none with this id waits.
        """
        found = next((each for each in self.waiting() if each.id == identity), None)
        if found is None:
            raise ConfigurationError(f"no call {identity!r} waits for an approval", cure="see: omni permissions list")
        return found

    def approve_waiting(self, identity: str, scope: ApprovalScope) -> Approval:
        """Approve a call that waits, in its own session and project.

        Raises:
            ConfigurationError: none with this id waits.
        """
        approval = self.find_waiting(identity).model_copy(update={"scope": scope, "at": now()})
        self.add(approval)
        return approval

    def revoke(self, identity: str) -> list[Approval]:
        """Forget the approvals of a call, and return them."""
        revoked = [each for each in self.approved() if each.id == identity]

        def forget(content: Approvals) -> Approvals:
            kept = tuple(each for each in content.approved if each.id != identity)
            return content.model_copy(update={"approved": kept})

        if revoked:
            self.change(forget)
        return revoked


def _covering(content: Approvals, digest: str, session: str, project: Path) -> list[Approval]:
    """At most one approval: a lasting one, else the oldest for once."""
    found = [each for each in content.approved if each.covers(digest, session, project)]
    return sorted(found, key=lambda each: each.scope is ApprovalScope.ONCE)[:1]
