"""Commands about tools: list, schema, run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption, ReaderOption, reader_of
from omni_pipelines.cli.output import complain_of, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.responses import ToolResponse
    from omni_pipelines.tools.catalog import ToolCatalog

app = typer.Typer(help="Tools: list, describe, run.", no_args_is_help=True, rich_markup_mode=None)
ReleaseOption = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--release", help="A kept release; default: the newest.", show_default=False),
]


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the tools."""
    from omni_pipelines.tools.definition import to_document

    tools = _catalog(home).tools
    if json:
        say_json({"tools": [to_document(tool.metadata) for tool in tools]})
        return
    for tool in tools:
        say(f"{tool.name:<20} {tool.description.splitlines()[0]}")


@app.command()
def schema(
    tool: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(help="A tool from the list; default: all.", show_default=False),
    ] = None,
    openapi: Annotated[bool, typer.Option("--openapi", help="Write an OpenAPI 3.1 document.")] = False,
    check: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--check", help="Instead, check a tool document (.yaml, .json).", exists=False),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Print the tool document: as YAML, with --json as JSON, with --openapi for clients that speak HTTP."""
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.tools.documents import as_json, as_yaml

    if openapi and tool is not None:
        raise ConfigurationError("--openapi describes all tools", cure="leave out the tool")
    if check is not None:
        _check(check, json=json)
        return
    catalog = _catalog(home)
    document = catalog.export_openapi() if openapi else catalog.generate_tool_schemas(*([tool] if tool else []))
    say((as_json if json or openapi else as_yaml)(document).rstrip())


@app.command()
def run(
    tool: Annotated[str, typer.Argument(help="A tool from the list.")],
    arguments: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(help="'{\"name\": value}', or name=value …; a value that is no text is written as JSON."),
    ] = None,
    release: ReleaseOption = None,
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Check the arguments, run a tool, and print its data; with --json the whole response."""
    from omni_pipelines.executors import CommandExecutor

    response = CommandExecutor().execute(_answer, _catalog(home, release, reader), tool, arguments or [])
    if json:
        say_json(response.model_dump(mode="json"))
    elif response.data is not None:
        _say_data(response.data)
    if response.error_message:
        complain_of(response.error_message, response.error_code, response.metadata.get("cure", ""))
    raise typer.Exit(_exit_code(response))


def _check(path: Path, *, json: bool) -> None:
    from omni_pipelines.tools.documents import check_document
    from omni_pipelines.tools.strict_parsing import read_values

    found = check_document(read_values(path))
    if json:
        say_json({"file": str(path), "right": not found, "problems": [each.model_dump() for each in found]})
    else:
        say(f"{path}: {'right' if not found else f'{len(found)} problems'}")
        for each in found:
            say(f"  {each}")
    raise typer.Exit(1 if found else 0)


def _catalog(home: Path | None, release: int | None = None, tags: list[str] | None = None) -> ToolCatalog:
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.librarian_tools import knowledge_catalog

    return knowledge_catalog(home_to_read(home), release, viewer=reader_of(tags))


def _answer(catalog: ToolCatalog, tool: str, words: list[str]) -> ToolResponse:
    from omni_pipelines.tools.command_line import parse_arguments

    return catalog.call(tool, parse_arguments(catalog.get_tool_schema(tool), words))


def _say_data(data: Any) -> None:
    import orjson

    say(data if isinstance(data, str) else orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())


def _exit_code(response: ToolResponse) -> int:
    from omni_pipelines.error_codes import explain

    if response.error_code is None:
        return 0
    if response.retryable:
        return 3
    row = explain(response.error_code)
    return row.exit_code if row else 1
