"""`omni errors` explains the numbers, and writes the page of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_pipelines.error_codes import CoreErrorCode, all_codes
from tests.unit.cli.conftest import Omni

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"


@pytest.mark.parametrize("code", list(CoreErrorCode), ids=str)
def test_every_error_is_explained_by_number_and_by_name(omni: Omni, code: CoreErrorCode) -> None:
    output = omni("errors", code.value)
    assert output.code == 0
    assert output.out.startswith(f"{code.value} {code.name} (")
    assert all(word in output.out for word in ("meaning", "cure", "try again", "exit code", "HTTP", "JSON-RPC"))
    assert omni("errors", code.name.lower()).out == output.out


def test_number_in_brackets_is_understood(omni: Omni) -> None:
    assert omni("errors", "[4003]").out.startswith("4003 STORAGE_NOT_FOUND")


def test_errors_without_a_number_are_all_listed(omni: Omni) -> None:
    lines = omni("errors").out.splitlines()
    assert [line.split()[:2] for line in lines] == [[row.code, row.name] for row in all_codes()]


def test_json_has_every_field_of_every_error(omni: Omni) -> None:
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
def test_unknown_number_suggests_the_nearest(omni: Omni, asked: str, cure: str) -> None:
    output = omni("errors", asked)
    assert (output.code, output.out) == (2, "")
    assert output.err.splitlines()[0] == f"omni: there is no error {asked!r} [1001]"
    assert cure in output.err.splitlines()[1]


def test_page_in_docs_is_what_the_command_prints(omni: Omni) -> None:
    """If it fails: make docs."""
    assert omni("errors", "--markdown").out == PAGE.read_text(encoding="utf-8")


def test_page_in_docs_has_a_row_per_error() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [code for code in CoreErrorCode if f"| {code} | `{code.name}` |" not in page] == []
