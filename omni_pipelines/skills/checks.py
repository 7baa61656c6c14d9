"""The strict check of a skill: its head, its files, its size, and whether it declares what its scripts use."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.frontmatter import FILE
from omni_pipelines.skills.problems import SkillProblem
from omni_pipelines.skills.script_checks import script_problems

MAX_LINES, MAX_TOKENS, MAX_CATALOG_TOKENS = 500, 5_000, 100
"""Of the body, and of name and description together, which every session pays for."""
MAX_INTENT_WORDS, MAX_KEYWORDS = 12, 20
Count = Callable[[str], int]
"""Number of tokens of a text."""
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")
_LINE = re.compile(r"line (\d+)")
_PREFIX = re.compile(rf"^{FILE} line \d+: ")


def check_skill(
    folder: SkillFolder, count: Count | None = None, capabilities: Mapping[str, str] | None = None
) -> list[SkillProblem]:
    """All problems of a skill, errors first. Nothing of it is run.

    Args:
        folder: the skill.
        count: counts tokens; without it, sizes in tokens are not checked.
        capabilities: the capability that each tool needs; without it, the calls of tools are not checked.
    """
    try:
        head = folder.head
    except ConfigurationError as error:
        line = _LINE.search(error.message)
        message = _PREFIX.sub("", error.message)
        return [SkillProblem(file=FILE, line=int(line[1]) if line else 1, message=message, cure=error.cure)]
    try:
        problems = [
            *folder.field_problems,
            *_advice(folder),
            *_body(head.body, head.body_line, count),
            *_catalog_line(folder, count),
            *_references(folder),
            *_links(folder),
            *_files(folder),
            *script_problems(folder, capabilities),
        ]
    except ConfigurationError as error:  # too many files
        return [SkillProblem(file=".", message=error.message, cure=error.cure)]
    return sorted(problems, key=lambda problem: not problem.is_error)


def _advice(folder: SkillFolder) -> Iterator[SkillProblem]:
    metadata, lines = folder.metadata, folder.head.lines

    def advise(field: str, message: str, cure: str) -> SkillProblem:
        line = lines.get(field, 1)
        return SkillProblem(file=FILE, line=line, field=field, message=message, cure=cure, is_error=False)

    if metadata.description and not re.search(r"\b[Uu]se\b|\bwhen\b", metadata.description):
        yield advise("description", "does not say when to use the skill", 'add "Use when …"')
    if len(metadata.routing_keywords) > MAX_KEYWORDS:
        yield advise(
            "metadata.routing_keywords", f"has more than {MAX_KEYWORDS} words", "keep those that tell it apart"
        )
    for keyword in metadata.routing_keywords:
        if keyword != keyword.lower():
            yield advise("metadata.routing_keywords", f"{keyword!r} has capitals", "write it in lower case")
    for intent in metadata.intents:
        if len(intent.split()) > MAX_INTENT_WORDS:
            yield advise("metadata.intents", f"{intent[:40]!r} has more than {MAX_INTENT_WORDS} words", "shorten it")


def _body(body: str, line: int, count: Count | None) -> Iterator[SkillProblem]:
    if not body.strip():
        yield SkillProblem(
            file=FILE, line=line, message="there are no instructions", cure="write them below the head"
        )
    cure = "move parts to references/, and say when to read them"
    if (lines := body.count("\n") + 1) > MAX_LINES:
        yield SkillProblem(file=FILE, line=line, message=f"has {lines:,} lines, more than {MAX_LINES}", cure=cure)
    if count is not None and (tokens := count(body)) > MAX_TOKENS:
        yield SkillProblem(
            file=FILE, line=line, message=f"has {tokens:,} tokens, more than {MAX_TOKENS:,}", cure=cure
        )


def _catalog_line(folder: SkillFolder, count: Count | None) -> Iterator[SkillProblem]:
    line = f"{folder.name}: {folder.metadata.description}"
    if count is not None and (tokens := count(line)) > MAX_CATALOG_TOKENS:
        yield SkillProblem(
            file=FILE,
            line=folder.head.lines.get("description", 1),
            field="description",
            message=f"takes {tokens} tokens with the name, more than {MAX_CATALOG_TOKENS}",
            cure="shorten it: every session reads it",
            is_error=False,
        )


def _references(folder: SkillFolder) -> Iterator[SkillProblem]:
    for path in folder.metadata.require_refs:
        if path not in folder.files:
            yield SkillProblem(
                file=FILE,
                line=folder.head.lines.get("metadata.require_refs", 1),
                field="metadata.require_refs",
                message=f"there is no {path}",
                cure="write the file, or remove the name",
            )


def _links(folder: SkillFolder) -> Iterator[SkillProblem]:
    """Links to files of the skill that do not exist. Code blocks hold examples, not links."""
    is_code = False
    for number, line in enumerate(folder.head.body.splitlines(), folder.head.body_line):
        if line.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
        for target in [] if is_code else _LINK.findall(line):
            path = unquote(target.partition("#")[0])
            if not path or "://" in path or path.startswith("mailto:"):
                continue
            if PurePosixPath(path).as_posix() not in folder.files:
                message = f"links to {path}, which is not in the folder"
                yield SkillProblem(
                    file=FILE, line=number, message=message, cure="correct the link, or write the file"
                )


def _files(folder: SkillFolder) -> Iterator[SkillProblem]:
    for path in sorted(folder.path.rglob("*")):
        name = path.relative_to(folder.path).as_posix()
        if path.is_symlink():
            yield SkillProblem(file=name, message="is a link", cure="put the file itself there")
        elif name.startswith("references/") and name.count("/") > 1 and path.is_file():
            cure = "move it up: an agent reads files that SKILL.md names"
            yield SkillProblem(
                file=name, message="is more than one level below references/", cure=cure, is_error=False
            )
    has_tests = any(name.startswith("tests/") for name in folder.files)
    if folder.has_scripts and not has_tests:
        yield SkillProblem(
            file="tests", message="there are no tests of the scripts", cure="write tests/test_….py", is_error=False
        )


def example_skill() -> Path:
    """The SKILL.md of a skill that is as it should be."""
    return Path(__file__).parent / "builtin" / "release-notes" / FILE
