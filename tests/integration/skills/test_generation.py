"""Skills that are generated: without a model, with one that repairs its draft, and with one that never does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from mcp.client import Client
from skills_ref.validator import validate

from omni_pipelines.agent.gated_tools import gated_tools
from omni_pipelines.agent_tools.shipped import ShippedTools, shipped_tools
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.language_models.port import Message, Turn
from omni_pipelines.mcp_server.assembly import make_server
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.skills.checks import check_skill
from omni_pipelines.skills.commands import CommandIndex
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.generation.drafts import SkillDraft, SkillRequest, offline_draft
from omni_pipelines.skills.generation.generator import (
    Draft,
    GeneratedSkill,
    GenerationFailed,
    GenerationOutcome,
    SkillGenerator,
)
from omni_pipelines.skills.generation.model_draft import ModelDrafts
from omni_pipelines.skills.generation.verification import SkillVerification
from omni_pipelines.skills.library import SkillLibrary
from omni_pipelines.testing.fakes import ScriptedModel
from tests.agent_task import NewTask
from tests.scripted_tasks import CLEAR, GOOD, call, done, planned, says
from tests.unit.agent.conftest import new_task  # noqa: F401
from tests.unit.cli.conftest import omni  # noqa: F401

DESCRIPTIONS = {
    "csv-json": "Convert CSV files to JSON",
    "sheet-page": "Turn spreadsheets with many columns into Markdown",
    "json-rows": "Parse JSON rows and write them as CSV",
    "links": "Extract links from pages",
    "contacts": "Collect mail addresses of contacts",
    "deadlines": "List of dates and deadlines in a plan",
    "open-tasks": "Pull all tasks and TODO marks out of notes in Markdown",
    "everything": "Extract whatever is of interest",
    "text-size": "Count the words of an article",
    "reading": "Measure how long sentences are, and how hard a text is to read",
    "house-style": "Check our style rules: 'simply' and 'obviously' are forbidden, lines have 80 characters",
    "proof": "Proofread reviews before they are published",
    "handbook": "Answer questions about the handbook",
    "onboarding": "Something for new colleagues",
    "changes": "Summarise git commits for the change log",
    "invite": "Write invitations with name, date and place",
    "reply": "Draft a reply to a customer",
    "minutes": "Remember decisions of meetings",
    "word-list": "Sort lines and remove duplicates",
    "unquoted": 'Normalise "quoted" \\ {{ 7 * 7 }} {% raw %} """ # text in lower-case, and see [this](none.md)',
}
CALLS: Mapping[str, tuple[str, dict[str, Any], Any]] = {
    "csv-json": ("convert", {"text": "a\n1\n"}, '[\n  {\n    "a": "1"\n  }\n]'),
    "links": ("extract", {"text": "https://a.example"}, [{"kind": "links", "line": 1, "text": "https://a.example"}]),
    "house-style": ("check", {"text": "Simply\n"}, [{"line": 1, "problem": "has the word 'simply'"}]),
    "word-list": ("clean", {"text": "b\na\nb\n"}, "a\nb\n"),
}
"""Commands that need nobody's approval, one for each way to call them."""


def capabilities(shipped: ShippedTools) -> dict[str, str]:
    return {name: policy.capability for name, policy in shipped.policies.items()}


def words(text: str) -> int:
    return len(text.split())


def no_problems(folder: SkillFolder) -> list[str]:
    return []


def generated(
    home: Home, request: SkillRequest, draft: Draft | None = None, *, unverified: bool = False, **options: bool
) -> GeneratedSkill:
    project = home.root.parent
    index, tools = CommandIndex(load_settings(home).cache), capabilities(shipped_tools(home))
    verify = no_problems if unverified else SkillVerification(request, tools, index, words)
    generator = SkillGenerator(project / ".agents" / "skills", project)
    return generator.generate(request, draft or (lambda problems: offline_draft(request)), verify, **options)


def project_files(home: Home) -> set[str]:
    return {path.relative_to(home.root.parent).as_posix() for path in home.root.parent.rglob("*")}


def test_twenty_skills_pass_their_check_and_tests_and_run_in_the_terminal_a_task_and_over_mcp(
    home: Home,
    new_task: NewTask,  # noqa: F811
    omni: Any,  # noqa: F811
) -> None:
    library, texts = SkillLibrary(home), set()
    for name, description in DESCRIPTIONS.items():
        made = generated(home, SkillRequest.of(name, description))
        assert (made.outcome, made.repairs) == (GenerationOutcome.NEW, 0)
        folder = SkillFolder(made.folder)
        assert check_skill(folder, words, capabilities(shipped_tools(home))) == []
        assert validate(made.folder) == []
        texts.add((made.folder / "scripts" / "commands.py").read_text() + made.draft.files["SKILL.md"])
        library.trust(library.skill(name))
    assert len(texts) == len(DESCRIPTIONS) >= 20

    task = new_task(shipped_tools(home).catalog, "convert the table", model=ScriptedModel(script("csv-json")))
    task.open_tools = lambda session, approver: gated_tools(home, session, approver)
    assert task.run().outcome == "done"
    ended = [payload for topic, payload in task.events if topic == "agent/tool/ended"]
    assert [each["status"] for each in ended if each["tool"] == "skill.csv_json.convert"] == ["success"]

    async def over_mcp() -> list[Any]:
        async with Client(make_server(home, allow_skills=True).protocol) as client:
            offered = {tool.name for tool in (await client.list_tools()).tools}
            assert all(
                any(each.startswith(f"{name.replace('-', '_')}__") for each in offered) for name in DESCRIPTIONS
            )
            called = [(name, *CALLS[name]) for name in ("links", "house-style")]
            return [
                (await client.call_tool(f"{name.replace('-', '_')}__{command}", given)).structured_content
                == {"result": answer}
                for name, command, given, answer in called
            ]

    assert asyncio.run(over_mcp()) == [True, True]

    command, given, answer = CALLS["word-list"]
    ran = omni("skill", "run", f"word-list.{command}", json.dumps(given), "--json", "--home", str(home.root))
    assert (ran.code, ran.document["data"]) == (0, answer)
    entries = [line.entry for line in permission_files(home).audit.lines()]
    audited = [each.tool for each in entries if each.event == "outcome" and each.tool.startswith("skill.")]
    assert audited == [f"skill.{name.replace('-', '_')}.{each[0]}" for name, each in CALLS.items()]


def script(name: str) -> list[Any]:
    command, given, _ = CALLS[name]
    tool = f"skill.{name.replace('-', '_')}.{command}"
    return [CLEAR, planned(("convert it", tool)), call(tool, **given), done(), GOOD, says(("it is converted", [1]))]


def test_the_same_request_changes_nothing_and_another_one_replaces_only_when_told(home: Home) -> None:
    first = generated(home, SkillRequest.of("mine", "Count words"), unverified=True)
    assert (
        generated(home, SkillRequest.of("mine", "Count words"), unverified=True).outcome
        is GenerationOutcome.UNCHANGED
    )
    other = SkillRequest.of("mine", "Count words of pages")
    with pytest.raises(ConfigurationError, match="there is another skill"):
        generated(home, other, unverified=True)
    planned_ = generated(home, other, unverified=True, keep=False)
    assert planned_.outcome is GenerationOutcome.PLANNED
    assert "+Count words of pages." in planned_.difference
    assert "Count words of pages" not in (first.folder / "SKILL.md").read_text()
    assert generated(home, other, unverified=True, replace=True).outcome is GenerationOutcome.REPLACED
    assert "Count words of pages" in (first.folder / "SKILL.md").read_text()
    assert not list(home.root.parent.glob(".omni-skill-*"))


def test_what_is_not_allowed_is_not_used(home: Home) -> None:
    with pytest.raises(ConfigurationError, match=r"commits, needs git:read") as refused:
        offline_draft(SkillRequest.of("", "Summarise git commits", ["files:read"]))
    assert "-p git:read" in refused.value.cure
    assert offline_draft(SkillRequest.of("", "Summarise git commits", ["git:read"])).origin == "the recipe commits"
    for name, description in (("", "做这个"), ("", ""), ("7", "Count"), ("", "x" * 301)):
        with pytest.raises(ConfigurationError):
            SkillRequest.of(name, description)


def written(request: SkillRequest, **changes: object) -> str:
    files = offline_draft(request).files
    reply = {
        "use": "a table must be converted",
        "routing_keywords": ["CSV", "tables, rows"],
        "intents": ["Convert a table"],
        "permissions": ["files:read"],
        "instructions": "Call `mine.convert`, and show the result.",
        "commands": files["scripts/commands.py"],
        "tests": files["tests/test_commands.py"],
    }
    return json.dumps(reply | changes)


def model_drafts(home: Home, request: SkillRequest, model: ScriptedModel) -> ModelDrafts:
    def ask(messages: Any, schema: Any) -> Turn:
        return model.complete(list(messages), schema)

    shipped = shipped_tools(home)
    tools = [(tool, shipped.policies[tool.name].capability) for tool in shipped.catalog.tools]
    return ModelDrafts(request, ask, "scripted", tools, ["other: Does something else."])


BROKEN: tuple[tuple[Any, str], ...] = (
    ("no JSON at all", "SKILL.md"),
    ({"commands": "from omni_pipelines.skills.command import skill_command\n\ndef x(:\n"}, "is no Python"),
    ({"permissions": []}, "needs the permission files:read"),
    ({"permissions": ["files:read", "files:write"]}, "declares files:write, which none of its tools needs"),
    ({"commands": "import subprocess\n\n# skill_command"}, "needs the permission process:run"),
    ({"tests": "import commands\n\n\ndef test_it():\n    assert commands.convert('a') == 'b'\n"}, "test_it"),
)


@pytest.mark.parametrize("pair", [BROKEN[start : start + 2] for start in (0, 2, 4)], ids=range(3))
def test_a_model_that_writes_broken_code_twice_gets_the_errors_and_then_its_skill_is_kept(
    home: Home, pair: Any
) -> None:
    request = SkillRequest.of("mine", "Convert CSV files to JSON")
    replies = [each if isinstance(each, str) else written(request, **each) for each, _ in pair]
    model = ScriptedModel([*replies, written(request)])
    made = generated(home, request, model_drafts(home, request, model))
    assert (made.outcome, made.repairs, made.draft.origin) == (GenerationOutcome.NEW, 2, "scripted")
    for asked, (_, problem) in zip(model.calls[1:], pair, strict=True):
        told: Message = asked.messages[-1]
        assert problem in told.content
    metadata = SkillFolder(made.folder).metadata
    assert metadata.routing_keywords == ("csv", "tables rows")
    assert metadata.permissions == ("files:read",)
    assert validate(made.folder) == []


def test_a_model_that_never_gets_it_right_leaves_nothing_behind_and_the_reason_is_clear(home: Home) -> None:
    before = project_files(home)
    request = SkillRequest.of("mine", "Convert CSV files to JSON", ["knowledge:search"])
    model = ScriptedModel([written(request_for_example()) for _ in range(4)])
    with pytest.raises(GenerationFailed, match=r"declares files:read, which the person does not allow") as failed:
        generated(home, request, model_drafts(home, request, model))
    assert "nothing was written" in failed.value.message
    assert len(model.calls) == 4
    assert project_files(home) == before


def request_for_example() -> SkillRequest:
    return SkillRequest.of("mine", "Convert CSV files to JSON")


def test_code_of_a_model_runs_only_confined(home: Home) -> None:
    request = SkillRequest.of("mine", "Convert CSV files to JSON")
    target = home.root.parent / "stolen"
    evil = f"\nfrom pathlib import Path\nPath({str(target)!r}).write_text('x')\n"
    draft = offline_draft(request)
    files = {**draft.files, "scripts/commands.py": draft.files["scripts/commands.py"] + evil}
    with pytest.raises(GenerationFailed, match="cannot be imported: PermissionError"):
        generated(home, request, lambda problems: SkillDraft(files, "evil"))
    assert not target.exists()
