"""How the command line says that something went wrong, and how it explains the number."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.cli import main, output
from omni_pipelines.error_codes import CoreErrorCode, all_codes
from omni_pipelines.errors import NoAnswer
from omni_pipelines.responses import ToolResponse

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"


class Said:
    """What one `omni …` wrote, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def envelope(self) -> ToolResponse:
        fields = self.document
        assert fields.pop("schema_version") == 1
        return ToolResponse.model_validate_json(json.dumps(fields))


@pytest.fixture
def omni(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["omni", *arguments])
        monkeypatch.setattr(output._stdout, "has_document", False)
        code: Any = 0
        try:
            main.run()
        except SystemExit as end:
            code = end.code
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A command line whose commands all fail with this error."""

    def breaking(error: BaseException, before: Any = None) -> None:
        def app(**_: Any) -> None:
            if before is not None:
                before()
            raise error

        monkeypatch.setattr(main, "app", app)

    return breaking


# --- omni errors


@pytest.mark.parametrize("code", list(CoreErrorCode), ids=str)
def test_every_code_is_explained_by_number_and_by_name(omni: Any, code: CoreErrorCode) -> None:
    said = omni("errors", code.value)
    assert said.code == 0
    assert said.out.startswith(f"{code.value} {code.name} (")
    assert all(word in said.out for word in ("meaning", "cure", "try again", "exit code", "HTTP", "JSON-RPC"))
    assert omni("errors", code.name.lower()).out == said.out


def test_a_number_may_be_pasted_with_its_brackets(omni: Any) -> None:
    assert omni("errors", "[4003]").out.startswith("4003 STORAGE_NOT_FOUND")


def test_without_a_number_all_are_listed(omni: Any) -> None:
    lines = omni("errors").out.splitlines()
    assert [line.split()[:2] for line in lines] == [[row.code, row.name] for row in all_codes()]


def test_json_has_every_field_of_every_code(omni: Any) -> None:
    found = omni("errors", "--json").document
    assert found["schema_version"] == 1
    assert [row["code"] for row in found["errors"]] == [row.code for row in all_codes()]
    fields = {"code", "name", "category", "meaning", "cure", "severity", "retryable", "exit_code", "http_status"}
    assert found["errors"][0].keys() == fields | {"jsonrpc_code", "refused"}
    assert len(omni("errors", "4003", "--json").document["errors"]) == 1


@pytest.mark.parametrize(
    ("asked", "cure"),
    [("4033", "did you mean 4003?"), ("storage_not_fond", "STORAGE_NOT_FOUND"), ("xyz", "list them: omni errors")],
)
def test_a_number_that_is_not_there_is_answered_with_the_nearest(omni: Any, asked: str, cure: str) -> None:
    said = omni("errors", asked)
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[0] == f"omni: there is no error {asked!r} [1001]"
    assert cure in said.err.splitlines()[1]


def test_the_page_in_docs_is_what_the_command_writes(omni: Any) -> None:
    """If it fails: make docs."""
    assert omni("errors", "--markdown").out == PAGE.read_text(encoding="utf-8")


def test_the_page_has_a_row_for_every_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [code for code in CoreErrorCode if f"| {code} | `{code.name}` |" not in page] == []


# --- how a failure is said


def test_a_failure_is_one_line_with_its_number_and_one_with_the_cure(omni: Any, broken: Any) -> None:
    broken(NoAnswer("the sources\ndo not  tell", cure="ask in other words"))
    said = omni("ask", "x")
    assert said.err == "omni: the sources do not tell [7001]\n      cure: ask in other words\n"
    assert (said.code, said.out) == (1, "")


def test_with_json_the_envelope_goes_to_stdout_as_well(omni: Any, broken: Any) -> None:
    broken(NoAnswer("the sources do not tell", cure="ask in other words"))
    said = omni("ask", "x", "--json")
    assert said.err == "omni: the sources do not tell [7001]\n      cure: ask in other words\n"
    assert said.envelope.is_error
    assert (said.envelope.error_code, said.envelope.metadata["cure"]) == ("7001", "ask in other words")


def test_a_command_that_has_written_its_document_writes_no_second_one(omni: Any, broken: Any) -> None:
    broken(NoAnswer("the sources do not tell"), before=lambda: output.say_json({"abstained": True}))
    said = omni("ask", "x", "--json")
    assert said.document == {"schema_version": 1, "abstained": True}
    assert "[7001]" in said.err


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [
        (
            FileNotFoundError(2, "No such file or directory", "a.md"),
            1,
            "omni: No such file or directory: a.md [4003]",
        ),
        (OSError(28, "No space left on device"), 1, "omni: No space left on device [4002]"),
        (TimeoutError("too slow"), 3, "omni: too slow [3003]"),
    ],
)
def test_the_system_s_errors_are_said_like_ours(
    omni: Any, broken: Any, error: OSError, exit_code: int, line: str
) -> None:
    broken(error)
    said = omni("status")
    assert said.code == exit_code
    assert said.err.splitlines()[0] == line
    assert "cure: " in said.err.splitlines()[1]


def test_a_defect_shows_where_it_is_and_asks_to_be_reported(omni: Any, broken: Any) -> None:
    broken(KeyError("colour"))
    said = omni("status", "--json")
    assert said.code == 1
    assert "Traceback" in said.err
    assert said.err.splitlines()[-2] == "omni: KeyError: 'colour' [3002]"
    assert "please report it" in said.err.splitlines()[-1]
    assert said.envelope.error_code == "3002"


@pytest.mark.parametrize(
    ("arguments", "line", "cure"),
    [
        (("status", "--bogus"), "No such option '--bogus'", "run: omni status --help"),
        (("search",), "Missing argument 'QUERY'", "run: omni search --help"),
        (("sarch", "x"), "No such command 'sarch'", "did you mean search?"),
        (("model", "pul"), "No such command 'pul'", "did you mean pull?"),
        (("search", "x", "-k", "many"), "'many' is not a valid integer", "run: omni search --help"),
    ],
)
def test_a_wrong_call_is_said_like_any_other_error(
    omni: Any, arguments: tuple[str, ...], line: str, cure: str
) -> None:
    said = omni(*arguments, "--json")
    first, second = said.err.splitlines()
    assert said.code == 2
    assert line in first
    assert first.endswith("[1001]")
    assert second == f"      cure: {cure}"
    assert said.envelope.error_code == "1001"


def test_without_a_command_the_help_is_shown(omni: Any) -> None:
    said = omni()
    assert said.code == 2
    assert "Usage: omni" in said.out + said.err


def test_an_interrupt_ends_with_130(omni: Any, broken: Any) -> None:
    broken(KeyboardInterrupt())
    assert omni("ingest").code == 130


def test_a_real_command_without_a_home_answers_with_the_envelope(omni: Any, tmp_path: Path) -> None:
    said = omni("status", "--home", str(tmp_path / "none"), "--json")
    assert said.code == 2
    assert said.envelope.error_code == "3005"
    assert "no knowledge base" in str(said.envelope.error_message)
