"""Twenty descriptions of skills, and a command of each generated skill that is run in three ways.

    python -m tests.integration.skills.twenty_skills

generates all of them, without a model and by a scripted one that is wrong twice, runs each in the terminal, in a task
and over MCP, and writes docs/benchmarks/generated_skills.md. The exit code is 1 if one fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mcp.client import Client
from skills_ref.validator import validate

from omni_pipelines.agent.gated_tools import gated_tools
from omni_pipelines.agent.model_reasoner import MAX_PLAN
from omni_pipelines.agent_tools.shipped import ShippedTools, shipped_tools
from omni_pipelines.cli.main import execute
from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.language_models.port import Turn
from omni_pipelines.mcp_server.assembly import make_server
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.permissions.grants import Grant
from omni_pipelines.skills.checks import check_skill
from omni_pipelines.skills.commands import CommandIndex
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.generation.drafts import SkillRequest, offline_draft
from omni_pipelines.skills.generation.generator import Draft, GeneratedSkill, GenerationFailed, SkillGenerator
from omni_pipelines.skills.generation.model_draft import ModelDrafts
from omni_pipelines.skills.generation.recipe_table import RECIPES
from omni_pipelines.skills.generation.verification import SkillVerification
from omni_pipelines.skills.library import SkillLibrary
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.testing.fakes import ScriptedModel
from omni_pipelines.testing.fixtures import TINY_FILES
from tests.agent_task import Task
from tests.scripted_tasks import CLEAR, GOOD, call, done, planned, reasoning, says

PAGE = Path(__file__).parents[3] / "docs" / "benchmarks" / "generated_skills.md"


class Run(NamedTuple):
    """A call of a command, and what it answers."""

    command: str
    arguments: Mapping[str, Any]
    answer: Any


class Described(NamedTuple):
    """What a skill is generated from, and what it must then be able to do."""

    description: str
    run: Run


def _found(kind: str, text: str) -> Run:
    return Run("extract", {"text": text}, [{"kind": kind, "line": 1, "text": text}])


_WORDS = {"lines": 1, "words": 2, "characters": 10, "sentences": 1, "words_per_sentence": 2.0}
TWENTY: Mapping[str, Described] = {
    "csv-json": Described(
        "Convert CSV files to JSON", Run("convert", {"text": "a\n1\n"}, '[\n  {\n    "a": "1"\n  }\n]')
    ),
    "sheet-page": Described(
        "Turn spreadsheets with many columns into Markdown",
        Run("convert", {"text": "a\n1\n"}, "| a |\n| --- |\n| 1 |\n"),
    ),
    "json-rows": Described("Parse JSON rows and write them as CSV", Run("convert", {"text": '[{"a": 1}]'}, "a\n1\n")),
    "links": Described("Extract links from pages", _found("links", "https://a.example")),
    "contacts": Described("Collect mail addresses of contacts", _found("mail addresses", "ann@b.example")),
    "deadlines": Described("List of dates and deadlines in a plan", _found("dates", "2026-11-29")),
    "open-tasks": Described(
        "Pull all tasks and TODO marks out of notes in Markdown",
        Run("extract", {"text": "- [ ] call Ann"}, [{"kind": "tasks", "line": 1, "text": "call Ann"}]),
    ),
    "everything": Described(
        "Extract whatever is of interest",
        Run("extract", {"text": "## Keys"}, [{"kind": "headings", "line": 1, "text": "Keys"}]),
    ),
    "text-size": Described(
        "Count the words of an article",
        Run("measure", {"text": "Two words."}, {**_WORDS, "frequent": ["words 1"]}),
    ),
    "reading": Described(
        "Measure how long sentences are, and how hard a text is to read",
        Run("measure", {"text": "Two words.", "frequent": 1}, {**_WORDS, "frequent": ["words 1"]}),
    ),
    "house-style": Described(
        "Check our style rules: 'simply' and 'obviously' are forbidden, lines have 80 characters",
        Run("check", {"text": "Simply\n"}, [{"line": 1, "problem": "has the word 'simply'"}]),
    ),
    "proof": Described(
        "Proofread reviews before they are published",
        Run("check", {"text": "good"}, [{"line": 1, "problem": "has no line end at its end"}]),
    ),
    "handbook": Described(
        "Answer questions about the handbook", Run("find", {"query": "rotated", "count": 1}, "files/keys.md")
    ),
    "onboarding": Described(
        "Something for new colleagues", Run("find", {"query": "thirty days", "count": 1}, "files/backup.md")
    ),
    "changes": Described("Summarise git commits for the change log", Run("summarise", {}, "- Add the notes (")),
    "invite": Described(
        "Write invitations with name, date and place",
        Run("render", {"name": "Ann", "date": "2026-11-29", "place": "Ghent"}, "Ghent"),
    ),
    "reply": Described(
        "Draft a reply to a customer", Run("render", {"name": "Ann", "subject": "Keys", "text": "Yes."}, "Yes.")
    ),
    "minutes": Described("Remember decisions of meetings", Run("recall", {"query": "keys"}, [])),
    "word-list": Described("Sort lines and remove duplicates", Run("clean", {"text": "b\na\nb\n"}, "a\nb\n")),
    "unquoted": Described(
        'Normalise "quoted" \\ {{ 7 * 7 }} {% raw %} """ # text in lower-case, and see [this](none.md)',
        Run("clean", {"text": " B\n"}, "b\n"),
    ),
}
"""By the name of the skill. An answer that is a text may also be a part of what is answered."""


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


def as_reply(request: SkillRequest) -> str:
    """The offline draft of a skill as a model would write it."""
    draft = offline_draft(request)
    recipe = next(each for each in RECIPES if draft.origin.endswith(each.name))
    text = draft.files.get("references/text.txt", "")
    commands = draft.files["scripts/commands.py"].replace('TEXT.read_text("utf-8")', repr(text))
    return written(
        request, permissions=recipe.permissions, commands=commands, tests=draft.files["tests/test_commands.py"]
    )


def make_project(home: Home) -> None:
    """Make the project of a home a repository with one commit, which the skill of commits may read."""
    (home.root.parent / "notes.md").write_text("# Notes\n")
    git = ["git", "-C", str(home.root.parent), "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    for command in (["init", "-q"], ["add", "notes.md"], ["commit", "-qm", "Add the notes"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    files = permission_files(home)
    files.grants.add(Grant(capabilities="git:read", project=str(files.project)))


def in_terminal(home: Home, names: Iterable[str], read: Callable[[], str]) -> dict[str, str]:
    """What is wrong with the answers of `omni skill run`; `read` gives what it printed."""
    found: dict[str, str] = {}
    for name in names:
        run = TWENTY[name].run
        given = json.dumps(run.arguments)
        code = execute(["skill", "run", f"{name}.{run.command}", given, "--json", "--home", str(home.root)])
        printed = read()
        found[name] = printed if code else _problem(run, json.loads(printed)["data"])
    return found


def in_a_task(home: Home, names: Iterable[str]) -> dict[str, str]:
    """What is wrong with the answers in tasks of the agent, whose model is scripted."""
    found: dict[str, str] = {}
    every = list(names)
    for start in range(0, len(every), MAX_PLAN):
        batch = every[start : start + MAX_PLAN]
        tools = {name: f"skill.{name.replace('-', '_')}.{TWENTY[name].run.command}" for name in batch}
        calls = [said for name in batch for said in (call(tools[name], **TWENTY[name].run.arguments), done())]
        plan = planned(*((f"use {name}", tool) for name, tool in tools.items()))
        model = ScriptedModel([CLEAR, plan, *calls, GOOD, says(("All were used.", [1]))])
        task = Task(
            Home(home.root / f"task-{batch[0]}"),
            lambda session, approver: gated_tools(home, session, approver),
            "use the skills",
            make_reasoner=reasoning(model),
        )
        outcome = task.run().outcome
        ended = {each["tool"]: each for topic, each in task.events if topic == "agent/tool/ended"}
        for name, tool in tools.items():
            is_well = outcome == "done" and ended.get(tool, {}).get("status") == "success"
            text = task.session.text(ended[tool]["output"]) if is_well else str(ended.get(tool, outcome))
            found[name] = _problem(TWENTY[name].run, text, is_text=True) if is_well else text
    return found


def over_mcp(home: Home, names: Iterable[str]) -> dict[str, str]:
    """What is wrong with the answers that a client of `omni mcp --allow-skills` gets."""

    async def run() -> dict[str, str]:
        found: dict[str, str] = {}
        async with Client(make_server(home, allow_skills=True).protocol) as client:
            for name in names:
                run = TWENTY[name].run
                result = await client.call_tool(f"{name.replace('-', '_')}__{run.command}", dict(run.arguments))
                content = result.structured_content or {}
                found[name] = _problem(run, content.get("result", content))
        return found

    return asyncio.run(run())


def _problem(run: Run, answer: Any, *, is_text: bool = False) -> str:
    """ "" if a command answered what it must. The text of a task must show every text and number of it."""
    shown = answer if is_text else json.dumps(answer, ensure_ascii=False)
    if not is_text and not isinstance(run.answer, str):
        return "" if answer == run.answer else shown
    texts = [json.dumps(each, ensure_ascii=False).strip('"') for each in _leaves(run.answer)] or ["[]"]
    return "" if all(text in shown for text in texts) else shown


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(each)
    else:
        yield value


def main() -> int:
    """Generate all skills in both ways, run them in all three, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = f"{folder}/config"
        home = KnowledgeBase(Home(Path(folder) / "project" / ".omni")).with_files(TINY_FILES).build().home
        make_project(home)
        written_by_model = {name: _repaired(Home(Path(folder) / "model" / ".omni"), name) for name in TWENTY}
        checked = {name: _checked(home, name) for name in TWENTY}
        printed = io.StringIO()

        def read() -> str:
            text = printed.getvalue()
            printed.seek(0)
            printed.truncate()
            return text

        with contextlib.redirect_stdout(printed):
            ways = [checked, in_terminal(home, TWENTY, read), in_a_task(home, TWENTY), over_mcp(home, TWENTY)]
    ways.append(written_by_model)
    rows = [f"| {name} | " + " | ".join(way[name] or "yes" for way in ways) + " |" for name in TWENTY]
    good = sum(not any(way[name] for way in ways) for name in TWENTY)
    PAGE.write_text(
        f"""# Generated skills

Whether the skills that `omni skill generate` writes work wherever a skill can be used.

Written by `python -m tests.integration.skills.twenty_skills`: {good} of {len(TWENTY)} skills are right in every
column.

- **check and tests**: a skill that was generated without a model passes `omni skill check`, the validator of the
  specification, and its own tests.
- **terminal**, **task**, **MCP**: `omni skill run`, a task of the agent with a scripted model, and a client of
  `omni mcp --allow-skills` each run a command of the skill, through the gatekeeper.
- **by a model**: a scripted model wrote the skill after two broken drafts, whose errors it was given.

| skill | check and tests | terminal | task | MCP | by a model, at the third try |
|---|---|---|---|---|---|
{chr(10).join(rows)}
""",
        "utf-8",
    )
    return 0 if good == len(TWENTY) else 1


def _checked(home: Home, name: str) -> str:
    made = generated(home, SkillRequest.of(name, TWENTY[name].description))
    SkillLibrary(home).trust(SkillLibrary(home).skill(name))
    problems = check_skill(SkillFolder(made.folder), words, capabilities(shipped_tools(home)))
    return "; ".join(map(str, [*problems, *validate(made.folder)]))


def _repaired(home: Home, name: str) -> str:
    request = SkillRequest.of(name, TWENTY[name].description)
    start = 2 * (list(TWENTY).index(name) % 3)
    drafts = [each if isinstance(each, str) else written(request, **each) for each, _ in BROKEN[start : start + 2]]
    home.create()
    try:
        made = generated(home, request, model_drafts(home, request, ScriptedModel([*drafts, as_reply(request)])))
    except GenerationFailed as error:
        return error.message
    return "" if made.repairs == 2 else f"{made.repairs} repairs"


if __name__ == "__main__":
    sys.exit(main())
