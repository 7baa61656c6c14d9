"""`omni permissions`, `omni audit` and a tool that needs an approval, as a person meets them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from omni_pipelines.home import Home
from tests.unit.cli.conftest import Omni

WRITE = ("tool", "run", "files.write", "path=a.md", "text=hello")


@pytest.fixture
def project(home: Home) -> Path:
    return home.root.parent


def rows(omni: Omni) -> dict[str, list[str]]:
    """The ids of the list by their kind."""
    found: dict[str, list[str]] = {}
    for row in omni("permissions", "list", "--json").document["permissions"]:
        found.setdefault(row["kind"], []).append(row["id"])
    return found


def test_call_without_a_grant_waits_and_runs_once_after_its_approval(omni: Omni, project: Path) -> None:
    refused = omni(*WRITE)
    [waiting] = rows(omni)["waits"]
    assert (refused.code, f"omni permissions approve {waiting}" in refused.err) == (1, True)
    approved = omni("permissions", "approve", waiting, "--yes")
    assert approved.out == f"approved {waiting}: files.write\n"
    assert '"path": "a.md"' in approved.err
    assert "+hello" in approved.err
    assert [omni(*WRITE).code, omni(*WRITE).code] == [0, 1]
    assert (project / "a.md").read_text() == "hello"


def test_approval_without_a_terminal_needs_yes(omni: Omni, project: Path) -> None:
    omni(*WRITE)
    [waiting] = rows(omni)["waits"]
    done = omni("permissions", "approve", waiting)
    assert (done.code, "give --yes" in done.err) == (2, True)
    assert omni("permissions", "approve", "000000000000").code == 2


def test_grant_counts_in_this_project_until_it_is_revoked(omni: Omni, project: Path) -> None:
    granted = omni("permissions", "grant", "files:write", "--json").document
    assert (granted["project"], granted["decision"]) == (str(project.resolve()), "allow")
    assert omni(*WRITE).code == 0
    assert omni("permissions", "revoke", granted["id"]).code == 0
    assert omni(*WRITE).code == 1
    assert omni("permissions", "revoke", granted["id"]).code == 2


def test_denial_is_explained_with_its_rule(omni: Omni, project: Path) -> None:
    omni("permissions", "grant", "**")
    denial = omni("permissions", "grant", "files:*", "--path", "private", "--deny", "--json").document["id"]
    told = omni("permissions", "explain", "files.read", "path=Private/a.md", "--json").document
    assert told["answer"] == "denied"
    assert denial in told["why"]
    assert omni("permissions", "explain", "files.read", "path=a.md", "--json").document["answer"] == "allowed"


def test_explanation_tells_what_reading_changes(omni: Omni, project: Path) -> None:
    omni("permissions", "grant", "files:*")
    asked = ("permissions", "explain", "files.write", "path=a.md", "text=x", "--json")
    assert [omni(*asked, *more).document["answer"] for more in ((), ("--after-reading",))] == [
        "allowed",
        "needs an approval",
    ]


@pytest.mark.parametrize(
    "options",
    [
        ["files"],
        ["files:wri*"],
        ["files:write", "--path", "../x"],
        ["net:*", "--host", "a/b"],
        ["x:y", "--until", "soon"],
    ],
)
def test_grant_that_cannot_be_is_a_mistake_of_usage(omni: Omni, project: Path, options: list[str]) -> None:
    assert omni("permissions", "grant", *options).code == 2


def test_yes_approves_what_it_names(omni: Omni, project: Path) -> None:
    assert omni(*WRITE, "--yes", "git:*").code == 1
    assert omni(*WRITE, "--yes", "files:write").code == 0


def test_settings_file_of_a_project_grants_nothing(omni: Omni, home: Home) -> None:
    home.config.write_text('[permissions]\nallow = ["**"]\n')
    done = omni(*WRITE)
    assert (done.code, "unknown setting 'permissions'" in done.err) == (2, True)
    assert omni("tool", "run", "files.write", "path=omni.toml", "text=", "--yes", "**").code != 0


def test_viewer_gets_only_the_tools_that_read_the_knowledge_base(omni: Omni, project: Path) -> None:
    omni("permissions", "grant", "**")
    assert omni("tool", "run", "files.read", "path=a.md", "--as", "team").code == 2


def test_audit_shows_what_happened_and_sees_a_change(omni: Omni, home: Home) -> None:
    omni(*WRITE, "--yes", "files:write")
    shown = omni("audit", "show", "--json").document["lines"]
    assert [line["entry"]["event"] for line in shown] == ["decision", "outcome"]
    assert omni("audit", "verify").out == "2 lines: as they were written\n"
    log = home.audit
    log.write_bytes(log.read_bytes().replace(b"files.write", b"files.print"))
    done = omni("audit", "verify", "--json")
    assert (done.code, len(done.document["problems"])) == (1, 1)


CALL = """
import sys
from omni_pipelines.cli.main import execute
sys.exit(execute(("tool", "run", "files.write", "path=a.md", "text=hello")))
"""


@pytest.mark.parametrize(("answer", "code"), [("once", 0), ("no", 1), ("", 1)])
def test_person_at_a_terminal_is_asked_with_the_difference(home: Home, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-c", CALL], stdin=theirs, capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, (home.root.parent / "a.md").exists()) == (code, code == 0)
    assert "files.write needs your approval (write, files:write): no grant allows files:write" in done.stderr
    assert "  +hello" in done.stderr
