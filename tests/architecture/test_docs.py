"""The pages for people are true where a test can tell: commands, options, links, names and files exist."""

from __future__ import annotations

import functools
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from docs.generate import commands
from omni_pipelines.cli.main import app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TOP = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in [*TOP, *sorted(DOCS.rglob("*.md"))]}
README = PAGES["README.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")

PAGES_OF_OTHER_PROJECTS = ("docs/how-to/testing.md",)

each_page = pytest.mark.parametrize("page", PAGES)


@functools.cache
def all_commands() -> dict[str, Any]:
    """The Click object of each command by its full name; made when a test needs it, not in every worker."""
    return dict(commands(typer.main.get_command(app)))


def prose(text: str) -> str:
    return BLOCK.sub("", text)


def shown_commands(text: str) -> Iterator[str]:
    """Yield the command lines of a page that begin with `omni`, from code blocks and from inline code."""
    lines = [line for language, block in BLOCK.findall(text) if language == "sh" for line in block.splitlines()]
    lines += re.findall(r"`(omni [^`\n]+)`", prose(text))
    for line in lines:
        if line.startswith("omni "):
            yield line.replace("\\|", "|")


def command_of(words: list[str]) -> tuple[str, list[str]]:
    """Split a command line into the name of an existing command and the words after it."""
    count = next(count for count in range(len(words), 0, -1) if " ".join(words[:count]) in all_commands())
    return " ".join(words[:count]), words[count:]


def problem_with(line: str) -> str:
    """Say what does not exist in a shown command line; empty if everything does."""
    words = shlex.split(line.split(" | ")[0].split(" < ")[0], comments=True)
    name, rest = command_of(words)
    command = all_commands()[name]
    if hasattr(command, "list_commands") and rest and not rest[0].startswith("--") and not rest[0].isupper():
        return f"{line}: {name} has no such command"
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)} | {"--help"}
    unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    return f"{line}: {name} has no {unknown}" if unknown else ""


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def test_readme_fits_on_a_few_screens() -> None:
    assert len(README.splitlines()) <= 150


def test_index_of_the_docs_names_every_page() -> None:
    index = PAGES["docs/README.md"]
    linked = {(DOCS / link).resolve() for link, _ in LINK.findall(index) if link}
    assert {path for path in DOCS.rglob("*.md") if path.name != "README.md"} - linked == set()


@each_page
def test_command_shown_on_a_page_exists_with_its_options(page: str) -> None:
    assert [problem for line in shown_commands(PAGES[page]) if (problem := problem_with(line))] == []


def test_command_and_option_without_help_text_do_not_exist() -> None:
    silent = [name for name, command in all_commands().items() if not command.help]
    silent += [
        f"{name} {option.name}"
        for name, command in all_commands().items()
        for option in command.params
        if option.param_type_name == "option" and not option.help
    ]
    assert silent == []


@each_page
def test_link_on_a_page_leads_to_a_file_and_a_heading(page: str) -> None:
    broken = []
    for link, anchor in LINK.findall(prose(PAGES[page])):
        target = (ROOT / page).parent / link if link else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            broken.append(f"{link}#{anchor}")
    assert broken == []


@each_page
def test_make_target_on_a_page_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`|=\w+ )make ([a-z]+)\b", PAGES[page], re.MULTILINE)
    assert set(named) - targets == set()


@each_page
def test_python_name_on_a_page_can_be_imported(page: str) -> None:
    text = PAGES[page]
    imported = re.findall(r"^(?:>>> )?from ((?:omni_pipelines|native)[\w.]*) import ([\w, ]+)$", text, re.MULTILINE)
    names = {f"{module}.{name.strip()}" for module, names in imported for name in names.split(",")}
    names |= set(re.findall(r"`((?:omni_pipelines|native)(?:\.\w+)+)`", text))
    assert [name for name in sorted(names) if not is_importable(name)] == []


def is_importable(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return bool(module) and hasattr(importlib.import_module(module), attribute)
    return True


@each_page
def test_file_named_on_a_page_exists(page: str) -> None:
    """Files are named from the root or from `omni_pipelines`. The pages about other projects name files of theirs."""
    named = re.findall(r"`((?:\w+/)+\w+\.(?:py|md|yaml))`", prose(PAGES[page]))
    roots = [ROOT, ROOT / "omni_pipelines"]
    own = [name for name in named if any((root / name.split("/")[0]).is_dir() for root in roots)]
    missing = [name for name in own if not any((root / name).exists() for root in roots)]
    assert page in PAGES_OF_OTHER_PROJECTS or missing == []


@each_page
def test_module_run_on_a_page_exists(page: str) -> None:
    modules = re.findall(r"python -m ((?:benchmarks|tests)[\w.]+)", PAGES[page])
    assert [name for name in modules if not (ROOT / f"{name.replace('.', '/')}.py").exists()] == []


def test_page_named_in_the_code_exists() -> None:
    modules = [
        path
        for folder in ("omni_pipelines", "native", "assets", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    ]
    own = re.compile(r"(?<!/)\bdocs/(?:how-to|reference|explanation|benchmarks)/[\w-]+\.md")
    named = {(path, page) for path in modules for page in own.findall(path.read_text("utf-8"))}
    assert [f"{path}: {page}" for path, page in sorted(named) if not (ROOT / page).exists()] == []
