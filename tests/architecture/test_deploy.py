"""The files in deploy/: every command in them exists, and what one file reads another one sets."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml

from omni_pipelines.cli.main import app
from omni_pipelines.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFEST = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "omni.yaml").read_text()))
(CONFIG_MAP,) = (each for each in MANIFEST if each["kind"] == "ConfigMap")
(STATEFUL_SET,) = (each for each in MANIFEST if each["kind"] == "StatefulSet")
POD = STATEFUL_SET["spec"]["template"]["spec"]
CONTAINERS = [*POD["initContainers"], *POD["containers"]]


def commands() -> list[list[str]]:
    units = [path.read_text() for path in sorted((DEPLOY / "systemd").iterdir())]
    lines = [line for text in units for line in re.findall(r"^ExecStart=\S*/(omni .*)$", text, re.MULTILINE)]
    lines += re.findall(r"^(?:RUN|\s+) *(omni .*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    lines += [line for each in CONTAINERS for text in each.get("args", ()) for line in text.splitlines()]
    lists = [each["command"] for each in (*COMPOSE["services"].values(), *CONTAINERS) if "command" in each]
    return [words for words in (*map(shlex.split, lines), *lists) if words[0] == "omni"]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_command_that_is_deployed_exists(words: list[str]) -> None:
    group: Any = typer.main.get_command(app)
    arguments = words[1:]
    while isinstance(group, click.Group):
        found = group.get_command(click.Context(group), arguments[0])
        assert found is not None, f"there is no command {arguments[0]}"
        group, arguments = found, arguments[1:]
    group.make_context(words[1], arguments, resilient_parsing=True)
    assert len(commands()) >= 7


def test_variables_that_the_instance_reads_are_set_by_every_profile() -> None:
    read = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.yaml").read_text()))
    assert len(read) == 4
    listed = set(re.findall(r"^(\w+)=", (DEPLOY / "environment").read_text(), re.MULTILINE))
    assert read <= listed
    assert read <= set(COMPOSE["services"]["omni"]["environment"])
    assert {"secretRef": {"name": "omni"}} in POD["containers"][0]["envFrom"]


@pytest.mark.parametrize("text", [(DEPLOY / "omni.toml").read_text(), CONFIG_MAP["data"]["omni.toml"]])
def test_settings_that_are_deployed_are_valid(text: str) -> None:
    Settings.model_validate(tomllib.loads(text))
    commented = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    Settings.model_validate(tomllib.loads(commented))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze on this machine")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    units = sorted((DEPLOY / "systemd").iterdir())
    for unit in units:  # the program is not installed where tests run
        (tmp_path / unit.name).write_text(
            re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.M)
        )
    command = ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in units)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
