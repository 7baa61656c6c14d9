"""`omni permissions`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel
from typer import Argument, Option

from omni_pipelines.agent_tools.shipped import shipped_tools
from omni_pipelines.cli.command import Fields, Rows, command
from omni_pipelines.cli.commands.tool import ArgumentsArgument
from omni_pipelines.cli.confirmation import confirmed
from omni_pipelines.cli.dependencies import AnyHome
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.text import line, say_fields, table
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.state.releases import parse_moment
from omni_pipelines.permissions.approval_text import shown_arguments
from omni_pipelines.permissions.approvals import Approval, ApprovalScope
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.permissions.grants import BUILT_IN, Grant
from omni_pipelines.tools.command_line import parse_arguments

ID = Annotated[str, Argument(metavar="ID", help="An id from: omni permissions list.")]


class PermissionRow(BaseModel, frozen=True):
    """A rule, an approval, or a call that waits for one."""

    kind: str
    id: str
    what: str
    where: str
    until: datetime | None = None


@command(table("kind", "id", "what", "where", "until"))
def list_(home: AnyHome) -> Rows[PermissionRow]:
    """List the rules, the approvals, and the calls that wait for one."""
    files = permission_files(home)
    rows = [_rule_row(f"{grant.decision}, built in", grant) for grant in BUILT_IN]
    rows += [_rule_row(grant.decision, grant) for grant in files.grants.read()]
    rows += [_approval_row("approved", each) for each in files.approvals.approved()]
    rows += [_approval_row("waits", each) for each in files.approvals.waiting()]
    return Rows("permissions", rows)


@command(say_fields)
def explain(
    home: AnyHome,
    tool: Annotated[str, Argument(help="A tool from: omni tool list.")],
    arguments: ArgumentsArgument = None,
    after_reading: Annotated[
        bool, Option("--after-reading", help="Explain it for a session that has read a document or a file before.")
    ] = False,
) -> Fields:
    """Say whether a call may run, and which rule decides."""
    shipped, files = shipped_tools(home), permission_files(home)
    gatekeeper = Gatekeeper(shipped.catalog, shipped.policies, files, "explain", is_tainted=after_reading)
    words = parse_arguments(shipped.catalog.get_tool_schema(tool), arguments or [])
    verdict = gatekeeper.check(tool, words)
    answer = "denied" if verdict.is_denied else "needs an approval" if verdict.needs_approval else "allowed"
    action = verdict.action
    return {
        "tool": tool,
        "answer": answer,
        "why": verdict.reason,
        "capability": action.capability,
        "effect": action.effect,
    }


@command(line("{decision} {capabilities}: {id}"))
def grant(
    home: AnyHome,
    capabilities: Annotated[str, Argument(help="A capability or a pattern: files:write, git:*, **.")],
    path: Annotated[str, Option(help="Only for this path of the project, and what is below it.")] = "",
    host: Annotated[str, Option(help="Only for this host.")] = "",
    deny: Annotated[bool, Option("--deny", help="Deny instead of allow. A denial beats every grant.")] = False,
    everywhere: Annotated[bool, Option("--everywhere", help="For all projects, not only for this one.")] = False,
    until: Annotated[str, Option(metavar="TIME", help="Until this ISO date or time (local time).")] = "",
) -> Fields:
    """Allow or deny capabilities to agents, skills and MCP clients.

    The rule is kept in your own configuration folder. A file of a project grants nothing.
    """
    if ":" not in capabilities and capabilities != "**":
        raise ConfigurationError(
            f"{capabilities!r} names no capability", cure=f"write {capabilities}:read, {capabilities}:* or **"
        )
    files = permission_files(home)
    rule = _grant(
        decision="deny" if deny else "allow",
        capabilities=capabilities,
        path=path,
        host=host,
        project="" if everywhere else str(files.project),
        until=parse_moment(until) if until else None,
    )
    files.grants.add(rule)
    return {"id": rule.id, **rule.model_dump(mode="json")}


@command(line("revoked {revoked}: {what}"))
def revoke(home: AnyHome, identity: ID) -> Fields:
    """Take back a rule or an approval."""
    files = permission_files(home)
    if approvals := files.approvals.revoke(identity):
        return {"revoked": identity, "what": approvals[0].tool}
    return {"revoked": identity, "what": files.grants.remove(identity).capabilities}


@command(line("approved {id}: {tool}"))
def approve(
    home: AnyHome,
    identity: ID,
    scope: Annotated[
        ApprovalScope, Option(help="How long the approval counts, for exactly these arguments.")
    ] = ApprovalScope.ONCE,
    yes: Annotated[bool, Option("--yes", help="Approve it without asking.")] = False,
) -> Fields:
    """Show a call that waits for approval, and approve it."""
    approvals = permission_files(home).approvals
    waiting = approvals.find_waiting(identity)
    narrate(f"{waiting.tool} in {waiting.project}")
    for shown in shown_arguments(waiting.shown):
        narrate(shown)
    nobody = ConfigurationError("nobody is there to approve it", cure="read it, then give --yes")
    if not yes and not confirmed(f"approve it ({scope})?", otherwise=nobody):
        raise ConfigurationError(f"{identity} was not approved", cure="it still waits: omni permissions list")
    approvals.approve_waiting(identity, scope)
    return {"id": identity, "tool": waiting.tool, "scope": scope}


def _grant(**fields: object) -> Grant:
    try:
        return Grant.model_validate(fields)
    except ValueError as error:
        raise ConfigurationError(
            f"this cannot be granted: {_first(error)}", cure="see: omni permissions grant --help"
        ) from error


def _first(error: ValueError) -> str:
    lines: Iterator[str] = (text.strip() for text in str(error).splitlines() if "Value error, " in text)
    return next(lines, str(error)).removeprefix("Value error, ").partition(" [type=")[0]


def _rule_row(kind: str, rule: Grant) -> PermissionRow:
    return PermissionRow(
        kind=kind, id=rule.id, what=rule.capabilities, where=rule.where or "everywhere", until=rule.until
    )


def _approval_row(kind: str, approval: Approval) -> PermissionRow:
    scope = f"{approval.scope}, session {approval.session}, in {approval.project}"
    return PermissionRow(kind=kind, id=approval.id, what=f"{approval.tool} {approval.arguments}", where=scope)
