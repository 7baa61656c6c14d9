"""What `omni errors` prints."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from omni_pipelines.cli.command import Rows
from omni_pipelines.cli.output import say
from omni_pipelines.cli.text import table
from omni_pipelines.error_codes import CodeInfo

_HEAD = """# Errors

Every error has a number. `omni errors 4003` explains one, and `omni errors` lists all of them.
`make docs` writes this page.

- **try again**: the same call may succeed in a moment.
- **refusal**: a rule refused the call before anything was done. The status of the response is `blocked`, not `error`.
- **exit**: the exit code of the command, see [Commands](commands.md). A single error can have another exit code: a
  missing source is 4003 and exits with 2, as a wrong argument does.

Numbers from 8000 to 8999 are for skills.
"""
_SUBJECTS = {"3": "calls of tools and commands", "5": "shell commands"}
"""What the errors of a first digit are about, where the category has several first digits."""


def show_errors(errors: Rows[CodeInfo]) -> None:
    """Print one line per error; a single one in full."""
    if len(errors.rows) > 1:
        table("code", "name", "meaning")(errors)
        return
    (row,) = errors.rows
    again = "the same call may work in a moment" if row.retryable else "no, not without a change"
    say(f"{row.code} {row.name} ({row.category}, {row.severity})")
    say(f"  meaning    {row.meaning}\n  cure       {row.cure}\n  try again  {again}")
    say(f"  exit code  {row.exit_code}\n  HTTP       {row.http_status}\n  JSON-RPC   {row.jsonrpc_code}")


def errors_page(rows: Sequence[CodeInfo]) -> str:
    """The page docs/reference/errors.md: a table per category."""
    return "".join([_HEAD, *_tables(rows)]).rstrip()


def _tables(rows: Sequence[CodeInfo]) -> Iterator[str]:
    for first_digit, group in groupby(rows, key=lambda row: row.code[0]):
        errors = list(group)
        yield f"\n## {first_digit}xxx {_SUBJECTS.get(first_digit, errors[0].category)}\n\n"
        yield "| code | name | meaning | cure | try again | refusal | exit | HTTP | JSON-RPC |\n"
        yield "|---|---|---|---|---|---|---|---|---|\n"
        for row in errors:
            again, refusal = ("yes" if applies else "" for applies in (row.retryable, row.refused))
            cells = (row.code, f"`{row.name}`", row.meaning, row.cure, again, refusal, row.exit_code, row.http_status)
            yield "".join(f"| {cell} " for cell in (*cells, row.jsonrpc_code)) + "|\n"
