"""`omni tool`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.agent_tools.shipped import shipped_tools
from omni_pipelines.cli.approval_prompt import TerminalApprover, YesOption
from omni_pipelines.cli.command import Fields, Result, Rows, Verbatim, command
from omni_pipelines.cli.output import complaint
from omni_pipelines.cli.release_options import RefreshedHome, ReleaseOption, ViewerOrOwner
from omni_pipelines.cli.views.system import show_document_check, show_response, show_tools
from omni_pipelines.error_codes import explain
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.executors import CommandExecutor
from omni_pipelines.permissions.approvers import YesTo
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.command_line import parse_arguments
from omni_pipelines.tools.definition import to_document
from omni_pipelines.tools.documents import as_json, as_yaml, check_document
from omni_pipelines.tools.problems import Problem
from omni_pipelines.tools.strict_parsing import read_values

SESSION = "command-line"
"""The session of all calls that a person types; each is a process of its own, and knows no text of others."""
ToolArgument = Annotated[str | None, Argument(help="A tool from the list. Default: all.")]
ArgumentsArgument = Annotated[
    list[str] | None,
    Argument(help="'{\"name\": value}', or name=value …; a value that is not text is written as JSON."),
]


@command(show_tools)
def list_(home: RefreshedHome) -> Rows[Fields]:
    """List the tools."""
    return Rows("tools", [to_document(tool.metadata) for tool in shipped_tools(home).catalog.tools])


@command(show_document_check)
def schema(
    home: RefreshedHome,
    tool: ToolArgument = None,
    openapi: Annotated[bool, Option("--openapi", help="Print an OpenAPI 3.1 document.")] = False,
    check: Annotated[
        Path | None, Option(metavar="FILE", help="Check this tool document (.yaml or .json) instead.")
    ] = None,
) -> Verbatim | Result[Rows[Problem]]:
    """Print the tool document as YAML, as JSON or as OpenAPI."""
    if openapi and tool is not None:
        raise ConfigurationError("--openapi describes all tools", cure="leave out the tool")
    if check is not None:
        problems = check_document(read_values(check))
        result = Rows("problems", problems, file=check, right=not problems)
        return Result(result, exit_code=1 if problems else 0)
    catalog = shipped_tools(home).catalog
    if openapi:
        return Verbatim(as_json(catalog.export_openapi()).rstrip())
    document = catalog.generate_tool_schemas(*([tool] if tool else []))
    return Verbatim(as_yaml(document).rstrip(), as_json(document).rstrip())


@command(show_response)
def run(
    viewer: ViewerOrOwner,
    home: RefreshedHome,
    tool: Annotated[str, Argument(help="A tool from the list.")],
    arguments: ArgumentsArgument = None,
    release: ReleaseOption = None,
    yes: YesOption = None,
) -> Result[ToolResponse]:
    """Call a tool and print its data.

    It checks the arguments first. You must approve a call that no grant allows. With --json, it prints the whole
    response.
    """
    shipped = shipped_tools(home, release, viewer=viewer)
    approver = YesTo(yes or (), TerminalApprover())
    gatekeeper = Gatekeeper(shipped.catalog, shipped.policies, permission_files(home), SESSION, approver)
    return call_result(gatekeeper, tool, arguments or [])


def call_result(gatekeeper: Gatekeeper, tool: str, words: Sequence[str]) -> Result[ToolResponse]:
    """Call a tool with arguments as they are typed; what is printed of it, and its exit code."""
    response = CommandExecutor().execute(_call, gatekeeper, tool, words)
    message, cure = response.error_message, response.metadata.get("cure", "")
    note = complaint(message, response.error_code, cure) if message else ""
    return Result(response, note=note, exit_code=_exit_code(response))


def _call(gatekeeper: Gatekeeper, tool: str, words: Sequence[str]) -> ToolResponse:
    return gatekeeper.call(tool, parse_arguments(gatekeeper.catalog.get_tool_schema(tool), words))


def _exit_code(response: ToolResponse) -> int:
    if response.error_code is None:
        return 0
    if response.retryable:
        return 3
    row = explain(response.error_code)
    return row.exit_code if row else 1
