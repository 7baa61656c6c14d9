"""The README tells the truth: its commands exist, its settings exist, and it fits on a few screens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer.main

from omni_pipelines.cli.main import app
from omni_pipelines.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def commands(group: Any, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= commands(command, f"{prefix}{name} ") if inner else {f"{prefix}{name}": command}
    return found


COMMANDS = commands(typer.main.get_command(app))


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_every_command_stands_in_its_table() -> None:
    told = set(re.findall(r"^\| `omni ([a-z-]+)", README, re.MULTILINE))
    assert {name.split()[0] for name in COMMANDS} - {"init"} == told


def test_every_command_it_shows_exists() -> None:
    shown = set(re.findall(r"(?:^|[`/])omni ([a-z-]+(?: (?:list|pull|verify|remove))?)", README, re.MULTILINE))
    known = {*COMMANDS, *(name.split()[0] for name in COMMANDS)}
    assert {name for name in shown if name not in known} == set()


def test_every_command_and_option_has_a_help_text() -> None:
    silent = [name for name, command in COMMANDS.items() if not command.help]
    silent += [
        f"{name} {option.name}"
        for name, command in COMMANDS.items()
        for option in command.params
        if option.param_type_name == "option" and not option.help
    ]
    assert silent == []


def test_every_setting_stands_in_its_table_and_none_that_is_not() -> None:
    table = README[README.index("## Settings") : README.index("## More")]
    told = set(re.findall(r"`([a-z_]+)`", " ".join(re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE))))
    assert told == set(Settings.model_fields)


def test_links_lead_somewhere() -> None:
    pages = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text())]
    assert links
    assert [link for page, link in links if not (page.parent / link).exists()] == []


def test_make_has_the_targets_that_pages_name() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = README + (ROOT / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"\bmake ([a-z]+)\b", pages)) <= targets | {"it"}
