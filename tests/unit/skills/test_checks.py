"""The strict check of skills."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from skills_ref.validator import validate

from omni_pipelines.agent_tools.shipped import shipped_tools
from omni_pipelines.cli.command_table import SECTIONS
from omni_pipelines.home import Home
from omni_pipelines.skills.checks import check_skill, example_skill
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.library import BUILT_IN
from omni_pipelines.skills.problems import SkillProblem
from omni_pipelines.testing.builders import SourceTree

HEAD = "name: mine\ndescription: Does something. Use when testing.\n"
BLOCK = 'metadata:\n  version: "1.0.0"\n'
BODY = "# Mine\n\nDo it.\n"


def words(text: str) -> int:
    return len(text.split())


def skill(folder: Path, text: str, **files: str) -> SkillFolder:
    tree = SourceTree(folder / "mine").file("SKILL.md", text)
    tree.files(
        {name.replace("__", "/").replace("_py", ".py").replace("_md", ".md"): each for name, each in files.items()}
    )
    return SkillFolder(tree.root)


def with_head(head: str, body: str = BODY) -> str:
    return f"---\n{head}---\n{body}"


def problems(folder: Path, text: str, **files: str) -> list[SkillProblem]:
    return check_skill(skill(folder, text, **files), words)


def test_a_skill_that_is_as_it_should_be_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, with_head(HEAD + BLOCK)) == []
    assert problems(tmp_path, with_head(HEAD)) == []


@pytest.mark.parametrize("path", sorted(BUILT_IN.iterdir()), ids=lambda path: path.name)
def test_a_built_in_skill_has_no_problem_not_even_advice(path: Path) -> None:
    assert check_skill(SkillFolder(path), words) == []


@pytest.mark.parametrize("path", sorted(BUILT_IN.iterdir()), ids=lambda path: path.name)
def test_a_built_in_skill_names_only_tools_and_commands_that_exist_and_declares_what_its_tools_need(
    path: Path, home: Home
) -> None:
    policies, folder = shipped_tools(home).policies, SkillFolder(path)
    named = re.findall(r"`([^`\n]+)`", folder.head.body)
    tools = {each for each in named if re.fullmatch(r"(?:files|git|notes|dagster|knowledge)\.[a-z_]+", each)}
    needed = {policies[tool].capability for tool in tools}
    if tools:  # two are written for MCP clients, who know shorter names
        assert needed == set(folder.metadata.permissions)
    commands = {row[0] for rows in SECTIONS.values() for row in rows}
    for each in named:
        if each.startswith("omni "):
            words = [word for word in each.split()[1:] if word.islower() and not word.startswith("-")]
            assert " ".join(words[:2]) in commands or words[0] in commands, each
    assert validate(path) == []


def test_the_example_passes_in_a_folder_of_its_name(tmp_path: Path) -> None:
    folder = tmp_path / example_skill().parent.name
    folder.mkdir()
    (folder / "SKILL.md").write_text(example_skill().read_text("utf-8"))
    assert check_skill(SkillFolder(folder), words) == []


MALFORMED = [
    ("", 1, ""),
    ("# no head\n", 1, ""),
    ("---\nname: mine\n", 1, ""),
    ("--\nname: mine\n---\n", 1, ""),
    (with_head("- a\n"), 1, ""),
    (with_head("just text\n"), 1, ""),
    (with_head("name: [\n"), 2, ""),
    (with_head("name: mine\nname: mine\n"), 3, ""),
    (with_head("a: &x 1\nb: *x\n"), 3, ""),
    (with_head("name: !!python/object:os.system x\n"), 2, ""),
    (with_head("1: 2\n"), 2, ""),
    (with_head("\tname: mine\n"), 2, ""),
    (with_head("description: Use it.\n"), 1, "name"),
    (with_head("name: 5\ndescription: Use it.\n"), 2, "name"),
    (with_head("name: Mine\ndescription: Use it.\n"), 2, "name"),
    (with_head("name: -mine\ndescription: Use it.\n"), 2, "name"),
    (with_head("name: mine-\ndescription: Use it.\n"), 2, "name"),
    (with_head("name: my--ne\ndescription: Use it.\n"), 2, "name"),
    (with_head("name: my_ne\ndescription: Use it.\n"), 2, "name"),
    (with_head("name: my ne\ndescription: Use it.\n"), 2, "name"),
    (with_head(f"name: {'m' * 65}\ndescription: Use it.\n"), 2, "name"),
    (with_head("name: other\ndescription: Use it.\n"), 2, "name"),
    (with_head("name: mine\n"), 1, "description"),
    (with_head("name: mine\ndescription:\n"), 3, "description"),
    (with_head("name: mine\ndescription: '  '\n"), 3, "description"),
    (with_head("name: mine\ndescription: [Use]\n"), 3, "description"),
    (with_head(f"name: mine\ndescription: {'Use ' * 300}\n"), 3, "description"),
    (with_head(HEAD + "license: 5\n"), 4, "license"),
    (with_head(HEAD + f"compatibility: {'x' * 501}\n"), 4, "compatibility"),
    (with_head(HEAD + "allowed-tools: [Bash]\n"), 4, "allowed-tools"),
    (with_head(HEAD + "permissions: knowledge:search\n"), 4, "permissions"),
    (with_head(HEAD + "version: 1.0.0\n"), 4, "version"),
    (with_head(HEAD + "metadata: text\n"), 4, "metadata"),
    (with_head(HEAD + "metadata: [a]\n"), 4, "metadata"),
    (with_head(HEAD + "metadata:\n  version: 1.0\n"), 5, "metadata.version"),
    (with_head(HEAD + 'metadata:\n  version: "1.0"\n'), 5, "metadata.version"),
    (with_head(HEAD + BLOCK + "  author: 5\n"), 6, "metadata.author"),
    (with_head(HEAD + BLOCK + "  intents: [5]\n"), 6, "metadata.intents"),
    (with_head(HEAD + BLOCK + "  intents: {a: b}\n"), 6, "metadata.intents"),
    (with_head(HEAD + BLOCK + "  routing_keywords: ['']\n"), 6, "metadata.routing_keywords"),
    (with_head(HEAD + BLOCK + "  permissions: everything please\n"), 6, "metadata.permissions"),
    (with_head(HEAD + BLOCK + "  permissions: 'knowledge:'\n"), 6, "metadata.permissions"),
    (with_head(HEAD + BLOCK + "  permissions: 'a:**:b'\n"), 6, "metadata.permissions"),
    (with_head(HEAD + BLOCK + "  require_refs: ../secret.md\n"), 6, "metadata.require_refs"),
    (with_head(HEAD + BLOCK + "  require_refs: /etc/passwd.txt\n"), 6, "metadata.require_refs"),
    (with_head(HEAD + BLOCK + "  require_refs: run.exe\n"), 6, "metadata.require_refs"),
    (with_head(HEAD + BLOCK + "  require_refs: references/none.md\n"), 6, "metadata.require_refs"),
    (with_head(HEAD + BLOCK + "  source: 5\n"), 6, "metadata.source"),
    (with_head(HEAD, ""), 5, ""),
    (with_head(HEAD, "\n \n"), 5, ""),
    (with_head(HEAD, "word\n" * 501), 5, ""),
    (with_head(HEAD, "word " * 5_001), 5, ""),
    (with_head(HEAD, "# Mine\n\nRead [this](references/none.md).\n"), 7, ""),
    (with_head(HEAD, "See [this](../other/SKILL.md#a).\n"), 5, ""),
]


@pytest.mark.parametrize(("text", "line", "field"), MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_skill_is_refused_with_line_field_and_cure(
    tmp_path: Path, text: str, line: int, field: str
) -> None:
    errors = [each for each in problems(tmp_path, text) if each.is_error]
    assert [(each.file, each.line, each.field) for each in errors[:1]] == [("SKILL.md", line, field)]
    assert all(each.message and each.cure for each in errors)


def test_a_skill_without_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    [problem] = check_skill(SkillFolder(tmp_path / "mine"))
    assert "has no SKILL.md" in problem.message
    assert "--example" in problem.cure


@pytest.mark.parametrize(
    ("code", "permission"),
    [
        ("import subprocess", "process:run"),
        ("from urllib.request import urlopen", "network:http"),
        ("from urllib import request", "network:http"),
        ("def f():\n    import socket as s", "network:connect"),
        ("import http.client", "network:http"),
    ],
)
def test_a_script_needs_the_permission_for_what_it_imports(tmp_path: Path, code: str, permission: str) -> None:
    [error] = [each for each in problems(tmp_path, with_head(HEAD + BLOCK), scripts__a_py=code) if each.is_error]
    assert (error.file, error.line) == ("scripts/a.py", code.count("\n") + 1)
    assert permission in error.cure
    declared = with_head(HEAD + BLOCK + f"  permissions: {permission}\n")
    assert not [each for each in problems(tmp_path, declared, scripts__a_py=code) if each.is_error]


def test_a_script_that_is_no_python_is_refused_with_its_line(tmp_path: Path) -> None:
    [error] = [each for each in problems(tmp_path, with_head(HEAD), scripts__a_py="x = 1\ny = (\n") if each.is_error]
    assert (error.file, error.line) == ("scripts/a.py", 2)


def test_links_to_elsewhere_in_the_folder_are_refused_and_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.md").write_text("secret")
    folder = skill(tmp_path, with_head(HEAD))
    (folder.path / "references").symlink_to(secret)
    [problem] = check_skill(folder)
    assert (problem.file, problem.message) == ("references", "is a link")
    assert folder.files == ("SKILL.md",)


def test_advice_is_given_and_is_no_error(tmp_path: Path) -> None:
    head = "name: mine\ndescription: Does something.\n" + BLOCK
    head += f"  intents: {'do ' * 13}\n  routing_keywords: Loud\n  unknown: x\n"
    found = problems(tmp_path, with_head(head), scripts__a_py="x = 1", references__a__b_md="text")
    assert not any(each.is_error for each in found)
    assert {each.field for each in found} == {
        "",
        "description",
        "metadata.intents",
        "metadata.routing_keywords",
        "metadata.unknown",
    }
    assert {each.file for each in found} == {"SKILL.md", "tests", "references/a/b.md"}
