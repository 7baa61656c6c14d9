"""Asks the person at the terminal to approve a call, and shows all of it first."""

import sys
from typing import Annotated

import click
import typer
from typer import Option

from omni_pipelines.cli.output import narrate
from omni_pipelines.permissions.approval_text import described
from omni_pipelines.permissions.approvals import ApprovalAnswer, ApprovalRequest, ApprovalScope

YesOption = Annotated[
    list[str] | None,
    Option(
        "--yes",
        metavar="CAPABILITIES",
        help="Approve calls that need this capability without asking: files:write, or git:*. Repeatable.",
    ),
]
_SCOPES = {scope.value: scope for scope in ApprovalScope}
_NO = "no"


class TerminalApprover:
    """Asks at the terminal; without one, nobody answers."""

    def ask(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        """The answer of the person."""
        if not sys.stdin.isatty():
            return None
        for line in described(request):
            narrate(line)
        choice = typer.prompt("approve it", type=click.Choice([*_SCOPES, _NO]), default=_NO, err=True)
        return ApprovalAnswer(_SCOPES.get(choice))
