"""The shape of a command: options become dependencies, and the record is printed as JSON or as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from click.testing import Result as Run
from typer.testing import CliRunner

from omni_pipelines.cli.command import Depends, Fields, Result, Rows, Verbatim, command
from omni_pipelines.cli.json_output import text_only
from omni_pipelines.cli.text import line
from omni_pipelines.errors import NoAnswer


def run(function: Callable[..., None], *words: str) -> Run:
    application = typer.Typer()
    application.command()(function)
    return CliRunner().invoke(application, list(words))


opened: list[str] = []


def folder_of(folder: str = "here") -> str:
    opened.append(folder)
    return folder


def file_of(folder: Annotated[str, Depends(folder_of)], suffix: str = ".md") -> str:
    return f"{folder}/notes{suffix}"


Folder = Annotated[str, Depends(folder_of)]
File = Annotated[str, Depends(file_of)]


@command(line("{name} in {file}"))
def place(folder: Folder, file: File, name: str = "x") -> Fields:
    return {"name": name, "folder": folder, "file": file}


def test_dependency_is_made_from_its_own_options() -> None:
    assert run(place, "--folder", "there", "--suffix", ".txt").stdout == "x in there/notes.txt\n"


def test_provider_is_called_once_for_all_that_depend_on_it() -> None:
    opened.clear()
    run(place)
    assert opened == ["here"]


def test_own_options_come_before_those_of_dependencies() -> None:
    options = [word for word in run(place, "--help").stdout.split() if word.startswith("--")]
    assert options == [
        "--name",
        "--suffix",
        "--folder",
        "--json",
        "--install-completion",
        "--show-completion",
        "--help",
    ]


def test_json_prints_the_record_with_the_schema_version() -> None:
    document = json.loads(run(place, "--json").stdout)
    assert document == {"schema_version": 1, "name": "x", "folder": "here", "file": "here/notes.md"}


@dataclass(frozen=True)
class Report:
    path: Path
    detail: str = text_only("for people")


def show_report(report: Report) -> None:
    typer.echo(f"{report.path}: {report.detail}")


@command(show_report)
def fail() -> Result[Report]:
    return Result(Report(Path("a.md")), note="look there", error=NoAnswer("no"))


def test_error_is_raised_after_the_record_and_the_note() -> None:
    done = run(fail)
    assert (done.stdout, done.stderr) == ("a.md: for people\n", "look there\n")
    assert isinstance(done.exception, NoAnswer)


def test_json_leaves_out_fields_that_are_for_the_text_only() -> None:
    assert json.loads(run(fail, "--json").stdout) == {"schema_version": 1, "path": "a.md"}


@command(line(""))
def leave() -> Result[Fields]:
    return Result({}, exit_code=4)


def test_result_chooses_the_exit_code() -> None:
    assert run(leave).exit_code == 4


@command(line(""))
def page(as_list: bool = False) -> Rows[Fields] | Verbatim:
    return Rows("parts", [{"n": 1}], total=1) if as_list else Verbatim("text", "{}")


def test_verbatim_text_is_printed_as_it_is() -> None:
    assert (run(page).stdout, run(page, "--json").stdout) == ("text\n", "{}\n")


def test_rows_are_a_list_under_their_name_beside_other_fields() -> None:
    assert json.loads(run(page, "--as-list", "--json").stdout) == {
        "schema_version": 1,
        "total": 1,
        "parts": [{"n": 1}],
    }
