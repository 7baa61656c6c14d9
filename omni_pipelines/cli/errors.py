"""The command that explains errors."""

from __future__ import annotations

import dataclasses
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from omni_pipelines.cli.options import JsonOption
from omni_pipelines.cli.output import say, say_json

if TYPE_CHECKING:
    from omni_pipelines.error_codes import CodeInfo

_HEAD = """# Errors

Every error carries a number. `omni errors 4003` explains one, `omni errors` lists all, with `--json` for programs.
This page is written by `make docs`.

- **try again**: the same call may work in a moment.
- **refusal**: a rule said no before anything was done; the status of the response is `blocked`, not `error`.
- **exit**: the exit code of the command line: 1 the domain said no, 2 usage or configuration, 3 try again. An error
  that knows better has its own: a source that is not there is 4003, and exits with 2 as any wrong argument does.

Numbers from 8000 to 8999 belong to skills.
"""


def errors(
    code: Annotated[str | None, typer.Argument(help="A number or a name; default: all.", show_default=False)] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write the page docs/errors.md.")] = False,
    json: JsonOption = False,
) -> None:
    """Explain an error by its number, or list them all."""
    from omni_pipelines.error_codes import all_codes

    rows = [_find(code)] if code is not None else list(all_codes())
    if json:
        say_json({"errors": [dataclasses.asdict(row) for row in rows]})
    elif markdown:
        say(_page(rows).rstrip())
    elif code is not None:
        _say_one(rows[0])
    else:
        for row in rows:
            say(f"{row.code}  {row.name:<26} {row.meaning}")


def _find(code: str) -> CodeInfo:
    from omni_pipelines.error_codes import all_codes
    from omni_pipelines.errors import ConfigurationError, nearest

    rows = {name: row for row in all_codes() for name in (row.code, row.name)}
    wanted = code.strip().strip("[]").upper().replace("-", "_")
    if wanted in rows:
        return rows[wanted]
    raise ConfigurationError(f"there is no error {code!r}", cure=nearest(wanted, rows, "list them: omni errors"))


def _say_one(row: CodeInfo) -> None:
    again = "the same call may work in a moment" if row.retryable else "no, not without a change"
    said = f"{row.code} {row.name} ({row.category}, {row.severity})"
    say(f"{said}\n  meaning    {row.meaning}\n  cure       {row.cure}\n  try again  {again}")
    say(f"  exit code  {row.exit_code}\n  HTTP       {row.http_status}\n  JSON-RPC   {row.jsonrpc_code}")


def _page(rows: list[CodeInfo]) -> str:
    parts = [_HEAD]
    for first_digit, group in groupby(rows, key=lambda row: row.code[0]):
        found = list(group)
        parts.append(f"\n## {first_digit}xxx {found[0].category}\n\n")
        parts.append("| code | name | meaning | cure | try again | refusal | exit | HTTP | JSON-RPC |\n")
        parts.append("|---|---|---|---|---|---|---|---|---|\n")
        parts += [_table_line(row) for row in found]
    return "".join(parts)


def _table_line(row: CodeInfo) -> str:
    again, refusal = ("yes" if each else "" for each in (row.retryable, row.refused))
    cells = (row.code, f"`{row.name}`", row.meaning, row.cure, again, refusal, row.exit_code, row.http_status)
    return "".join(f"| {cell} " for cell in (*cells, row.jsonrpc_code)) + "|\n"
