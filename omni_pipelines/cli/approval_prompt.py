"""Asks the person at the terminal to approve a call, and shows all of it first."""

import json
import sys
import unicodedata
from typing import Annotated

import click
import typer
from typer import Option

from omni_pipelines.cli.output import narrate
from omni_pipelines.permissions.approvals import ApprovalAnswer, ApprovalRequest, ApprovalScope

YesOption = Annotated[
    list[str] | None,
    Option(
        "--yes",
        metavar="CAPABILITIES",
        help="Approve such calls without a question: files:write, or git:*. Repeatable.",
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


def described(request: ApprovalRequest) -> list[str]:
    """What a person reads before they approve a call: why it is asked, the exact arguments, and what would change."""
    return [
        f"{request.tool} needs your approval ({request.effect}, {request.capability}): {request.reason}",
        *shown_arguments(json.dumps(request.arguments, indent=2, ensure_ascii=False)),
        *shown_arguments(request.preview),
    ]


def shown_arguments(text: str) -> list[str]:
    """The lines of a text, its invisible characters as escapes: a person must see all that they approve."""
    return [f"  {''.join(map(_visible, line))}" for line in text.splitlines()]


def _visible(letter: str) -> str:
    is_hidden = unicodedata.category(letter) in ("Cf", "Cc", "Co", "Cn", "Zl", "Zp") and letter != "\t"
    return letter.encode("unicode_escape").decode() if is_hidden else letter
