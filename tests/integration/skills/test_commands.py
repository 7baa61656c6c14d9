"""Commands of skills: in a process without files, network and programs, and behind the gatekeeper."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from mcp.client import Client
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult

from omni_pipelines.agent_tools.shipped import shipped_tools
from omni_pipelines.agent_tools.skill_commands import SkillCommands
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home
from omni_pipelines.mcp_server.assembly import make_server
from omni_pipelines.mcp_server.server import KnowledgeServer
from omni_pipelines.permissions.files import PermissionFiles, permission_files
from omni_pipelines.permissions.gatekeeper import Caller, Gatekeeper
from omni_pipelines.permissions.grants import Grant
from omni_pipelines.responses import ToolResponse
from omni_pipelines.skills.commands import CommandIndex
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.library import SkillLibrary
from omni_pipelines.testing.builders import Skill

CODE = '''
import ctypes
import os
import socket
import subprocess
import time
from datetime import date
from typing import Annotated

from pydantic import Field

from omni_pipelines.errors import OmniError
from omni_pipelines.skills.command import call_tool, skill_command


@skill_command(read_only=True)
def days(until: date, since: Annotated[date, Field(description="a day")] = date(2026, 1, 1)) -> int:
    """Count the days between two dates."""
    print("a script may print")
    return (until - since).days


@skill_command()
def escape() -> list[str]:
    """Try to leave the process."""
    def refused(attempt):
        try:
            return attempt() or "done"
        except OSError as error:
            return type(error).__name__
    return [
        refused(lambda: open("/etc/hostname").read()),
        refused(lambda: open("/tmp/stolen", "w")),
        refused(lambda: open("made-here.txt", "w").write("x")),
        refused(lambda: subprocess.run(["/bin/true"])),
        refused(os.fork),
        refused(lambda: socket.create_connection(("127.0.0.1", 9))),
    ]


@skill_command()
def ask_for(tools: list[str]) -> list[str]:
    """Call tools, and say what came of each."""
    def outcome(tool):
        try:
            return str(call_tool(tool, path="page.md", **({"text": "x"} if tool == "files.write" else {})))
        except OmniError as error:
            return f"{error.code} {error.message}"
    return [outcome(tool) for tool in tools]


@skill_command(read_only=True, cache_ttl=60)
def moment() -> float:
    """Say when it is."""
    return time.monotonic()


@skill_command(idempotent=True, max_attempts=2, retry_on=("3002",))
def fail() -> None:
    """Fail."""
    raise ValueError("as always")


@skill_command(timeout=0.3)
def loop(how: str) -> None:
    """Go on for ever."""
    while True:
        pass


@skill_command()
def end(how: str) -> None:
    """End in a way that nobody wants."""
    if how == "exit":
        os._exit(3)
    if how == "crash":
        ctypes.string_at(0)
    if how == "garbage":
        for handle in range(3, 64):
            try:
                os.write(handle, b"no answer\\n")
            except OSError:
                pass
    if how == "forged":
        for handle in range(3, 64):
            try:
                os.write(handle, b'{"call": "files.write", "arguments": ["path"]}\\n{"answer": 5}\\n')
            except OSError:
                pass
'''
DECLARED = ["files:read", "git:*"]


@pytest.fixture
def skill(tmp_path: Path) -> SkillFolder:
    folder = tmp_path / ".agents" / "skills"
    builder = Skill("day-count", "Counts days. Use when testing.").with_metadata(permissions=DECLARED)
    return SkillFolder(builder.with_script("commands.py", CODE).create(folder))


@pytest.fixture
def library(home: Home, tmp_path: Path, skill: SkillFolder) -> SkillLibrary:
    library = SkillLibrary(home, person=tmp_path / "nobody", trusted=tmp_path / "trusted.json")
    library.trust(library.skill(skill.name))
    return library


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was described once is the same for all tests, because the files of the skill are."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def gatekeeper(home: Home, library: SkillLibrary, cache: Path) -> Gatekeeper:
    skills = SkillCommands(library, cache)
    granted = [Grant(capabilities="files:*")]
    return skills.gatekeeper(shipped_tools(home), files_of(home), "s", granted=granted)


def files_of(home: Home) -> PermissionFiles:
    return permission_files(home)


def call(gatekeeper: Gatekeeper, command: str, **arguments: object) -> ToolResponse:
    return gatekeeper.call(f"skill.day_count.{command}", arguments)


def test_a_command_gets_values_of_its_types_and_its_arguments_are_checked_before_any_process(
    gatekeeper: Gatekeeper,
) -> None:
    assert call(gatekeeper, "days", until="2026-01-31").unwrap() == 30
    assert call(gatekeeper, "days", until=5).error_code == "1003"
    assert call(gatekeeper, "days", until="2026-01-31", snice="x").error_code == "1001"
    described = gatekeeper.catalog.get_tool_schema("skill.day_count.days")
    assert described.parameters.properties["since"].description == "a day"
    assert described.annotations.read_only_hint


def test_a_command_has_no_files_no_network_and_no_programs(gatekeeper: Gatekeeper, skill: SkillFolder) -> None:
    outcomes = call(gatekeeper, "escape").unwrap()
    assert outcomes == ["PermissionError"] * 6
    assert not (skill.path / "made-here.txt").exists()


def test_a_tool_that_the_skill_does_not_declare_is_denied_and_audited_whatever_the_person_grants(
    gatekeeper: Gatekeeper, home: Home
) -> None:
    page = home.root.parent / "page.md"
    page.write_text("a page")
    tools = ["files.read", "files.write", "git.log", "knowledge.erase"]
    read, written, log, erased = call(gatekeeper, "ask_for", tools=tools).unwrap()
    assert "a page" in read
    assert written == "2006 files.write: the skill day-count does not declare files:write"
    assert log.startswith("3004 git.log needs an approval")  # it is declared, and nobody granted it
    assert erased.startswith("3001")
    assert page.read_text() == "a page"
    entries = [line.entry for line in files_of(home).audit.lines()]
    decided = [(each.tool, each.is_allowed) for each in entries if each.event == "decision"]
    assert decided[1:4] == [("files.read", True), ("files.write", False), ("git.log", False)]
    everything = Caller("day-count", ("**",))
    assert gatekeeper.check("skill.day_count.days", {"until": "2026-01-31"}, everything).is_denied


def test_retries_and_cached_answers_are_executed(gatekeeper: Gatekeeper) -> None:
    assert call(gatekeeper, "moment").data == call(gatekeeper, "moment").data
    failed = call(gatekeeper, "fail")
    assert (failed.error_code, failed.metadata["attempts"]) == ("3002", 2)
    assert "as always" in (failed.error_message or "")


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        ("loop", "3003", "did not finish in 0.3 s"),
        ("exit", "3002", "ended without an answer (exit code 3)"),
        ("crash", "3002", "ended without an answer (exit code -11)"),
        ("garbage", "3002", "no answer"),
        ("forged", "3002", "no answer"),
    ],
)
def test_a_command_that_ends_badly_is_an_error_that_says_how(
    gatekeeper: Gatekeeper, how: str, code: str, message: str
) -> None:
    response = call(gatekeeper, "loop" if how == "loop" else "end", how=how)
    assert response.error_code == code
    assert message in (response.error_message or "")


def test_a_project_skill_has_no_commands_before_trust_and_none_after_a_change(
    home: Home, library: SkillLibrary, gatekeeper: Gatekeeper, skill: SkillFolder, cache: Path, tmp_path: Path
) -> None:
    stranger = SkillLibrary(home, person=tmp_path / "nobody", trusted=tmp_path / "other.json")
    assert SkillCommands(stranger, cache).commands == {}
    script = skill.path / "scripts" / "commands.py"
    script.write_text(CODE.replace("return (until", "return 1 + (until"))
    refused = call(gatekeeper, "days", until="2026-01-31")
    assert refused.is_blocked
    assert "was changed since this session began" in (refused.error_message or "")
    assert SkillCommands(library, cache).commands == {}


def test_a_skill_that_cannot_be_imported_has_a_reason_and_hides_no_other(
    library: SkillLibrary, skill: SkillFolder, cache: Path
) -> None:
    head = "from omni_pipelines.skills.command import skill_command\n"
    for name, code in (("broken", head + "import nothing_there\n"), ("json-tool", head)):
        Skill(name).with_script("commands.py" if name == "broken" else "json.py", code).create(skill.path.parent)
        library.trust(library.skill(name))
    skills = SkillCommands(library, cache)
    assert "scripts/commands.py cannot be imported: ModuleNotFoundError" in skills.problems["broken"]
    assert "scripts/json.py has the name of another module" in skills.problems["json-tool"]
    assert "skill.day_count.days" in skills.commands


def test_a_state_of_a_skill_is_described_once(skill: SkillFolder, cache: Path, tmp_path: Path) -> None:
    index = CommandIndex(tmp_path / "new")
    [file] = [] if index.commands(skill) is None else list((tmp_path / "new").rglob("*.json"))
    file.write_text("[]")
    assert index.commands(SkillFolder(skill.path)) == []
    file.write_text("damaged")
    assert len(index.commands(SkillFolder(skill.path))) == 7


def test_the_tests_of_a_skill_run_confined_and_tell_what_failed(skill: SkillFolder, cache: Path) -> None:
    (skill.path / "tests").mkdir()
    test = skill.path / "tests" / "test_commands.py"
    test.write_text("import commands\n\ndef test_it():\n    assert commands.escape() == ['PermissionError'] * 6\n")
    index = CommandIndex(cache)
    assert len(index.verified(SkillFolder(skill.path))) == 7
    test.write_text("import commands\n\ndef test_it():\n    assert commands.escape() == []\n")
    with pytest.raises(OmniError, match=r"tests/test_commands\.py::test_it"):
        index.verified(SkillFolder(skill.path))


def test_commands_are_offered_over_mcp_when_allowed_and_their_tools_are_not(home: Home, skill: SkillFolder) -> None:
    library = SkillLibrary(home)
    library.trust(library.skill(skill.name))
    for is_offered in (True, False):
        server = make_server(home, allow_skills=is_offered)

        async def use(server: KnowledgeServer = server) -> tuple[list[str], CallToolResult | None]:
            async with Client(server.protocol) as client:
                names = [tool.name for tool in (await client.list_tools()).tools]
                called = [
                    await client.call_tool(name, {"until": "2026-01-31"}) for name in names if name.endswith("days")
                ]
                return names, called[0] if called else None

        names, result = asyncio.run(use())
        assert ("day_count__days" in names) is is_offered
        assert not any("files" in name for name in names)
        if is_offered:
            assert result is not None
            assert result.structured_content == {"result": 30}


def test_the_person_at_an_mcp_client_approves_what_a_command_asks_for(home: Home, skill: SkillFolder) -> None:
    (home.root.parent / "page.md").write_text("a page")
    library, asked = SkillLibrary(home), []
    library.trust(library.skill(skill.name))

    async def approve(context: object, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"allow": "once"})

    async def use() -> CallToolResult:
        server = make_server(home, allow_skills=True)
        async with Client(server.protocol, elicitation_callback=approve) as client:
            return await client.call_tool("day_count__ask_for", {"tools": ["files.read", "files.write"]})

    result = asyncio.run(use())
    assert result.structured_content is not None
    read, written = result.structured_content["result"]
    assert "a page" in read
    assert "does not declare files:write" in written
    assert len(asked) == 1
    assert "page.md" in asked[0]
