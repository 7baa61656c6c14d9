"""`omni errors`."""

from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Rows, Verbatim, command
from omni_pipelines.cli.views.errors import errors_page, show_errors
from omni_pipelines.error_codes import CodeInfo, all_codes
from omni_pipelines.errors import ConfigurationError, nearest


@command(show_errors)
def errors(
    code: Annotated[str | None, Argument(help="A number or a name. Default: all.")] = None,
    markdown: Annotated[bool, Option("--markdown", help="Print the page docs/reference/errors.md.")] = False,
) -> Rows[CodeInfo] | Verbatim:
    """Explain an error by its number, or list all errors."""
    rows = list(all_codes()) if code is None else [_find(code)]
    return Verbatim(errors_page(rows)) if markdown else Rows("errors", rows)


def _find(code: str) -> CodeInfo:
    rows = {name: row for row in all_codes() for name in (row.code, row.name)}
    wanted = code.strip().strip("[]").upper().replace("-", "_")
    if wanted in rows:
        return rows[wanted]
    raise ConfigurationError(f"there is no error {code!r}", cure=nearest(wanted, rows, "list them: omni errors"))
