"""The files in deploy/: Compose, Kubernetes and systemd accept them, every command in them exists, and what one part
reads, mounts or connects to, another one provides."""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import typer
import yaml
from compose_spec import PyCompose

from omni_pipelines.cli.commands.dev import dev
from omni_pipelines.cli.main import app
from omni_pipelines.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
# Compose puts variables in before it reads the file
COMPOSE_TEXT = re.sub(r"\$\{(\w+):\?[^}]*\}", r"/\1", (DEPLOY / "compose.yaml").read_text())
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SERVICES = COMPOSE["services"]
MANIFEST = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "omni.yaml").read_text()))
(CONFIG_MAP,) = (each for each in MANIFEST if each["kind"] == "ConfigMap")
(STATEFUL_SET,) = (each for each in MANIFEST if each["kind"] == "StatefulSet")
POD = STATEFUL_SET["spec"]["template"]["spec"]
CONTAINERS = [*POD["initContainers"], *POD["containers"]]
KUBERNETES = "1.37"
"""The version whose schemas the manifest must match."""


def commands() -> list[list[str]]:
    units = [path.read_text() for path in sorted((DEPLOY / "systemd").iterdir())]
    lines = [line for text in units for line in re.findall(r"^ExecStart=\S*/(omni .*)$", text, re.MULTILINE)]
    lines += re.findall(r"^(?:RUN|\s+) *(omni .*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    lines += [line for each in CONTAINERS for text in each.get("args", ()) for line in text.splitlines()]
    lists = [each["command"] for each in (*SERVICES.values(), *CONTAINERS) if "command" in each]
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
    assert read <= set(SERVICES["omni"]["environment"])
    assert {"secretRef": {"name": "omni"}} in POD["containers"][0]["envFrom"]


@pytest.mark.parametrize("text", [(DEPLOY / "omni.toml").read_text(), CONFIG_MAP["data"]["omni.toml"]])
def test_settings_that_are_deployed_are_valid(text: str) -> None:
    Settings.model_validate(tomllib.loads(text))
    commented = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    Settings.model_validate(tomllib.loads(commented))


def test_compose_accepts_its_file() -> None:
    PyCompose.from_yaml(COMPOSE_TEXT).validate()
    named = {name for each in SERVICES.values() for name in each.get("depends_on", ())}
    named |= {each["network_mode"].removeprefix("service:") for each in SERVICES.values() if "network_mode" in each}
    assert named <= SERVICES.keys()


@pytest.mark.parametrize("document", MANIFEST, ids=lambda document: document["kind"])
def test_kubernetes_accepts_the_manifest(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_kubernetes_finds_what_the_manifest_names() -> None:
    spec = STATEFUL_SET["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    claims = {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
    volumes = {volume["name"]: volume["configMap"]["name"] for volume in POD["volumes"]}
    mounts = [mount for each in CONTAINERS for mount in each["volumeMounts"]]
    assert {mount["name"] for mount in mounts} == claims | volumes.keys()
    assert set(volumes.values()) == {CONFIG_MAP["metadata"]["name"]}
    assert {mount["subPath"] for mount in mounts if "subPath" in mount} == CONFIG_MAP["data"].keys()


def test_ports_that_are_published_lead_to_a_server_of_omni() -> None:
    """The servers listen on 127.0.0.1 of their container: what is published must be passed on to them."""
    (script,) = SERVICES["tunnel"]["command"]
    passed_on = dict(re.findall(r"TCP-LISTEN:(\d+),fork TCP:127\.0\.0\.1:(\d+)", script))
    published = {address.split(":")[1]: address.split(":")[2] for address in SERVICES["omni"]["ports"]}
    default = str(inspect.signature(dev).parameters["port"].default)
    command = SERVICES["mcp"]["command"]
    mcp = command[command.index("--port") + 1]
    assert {port: passed_on[inner] for port, inner in published.items()} == {default: default, mcp: mcp}
    assert all(address.startswith("127.0.0.1:") for address in SERVICES["omni"]["ports"])
    assert f"127.0.0.1:{default}/" in POD["containers"][0]["livenessProbe"]["exec"]["command"][-1]


def test_home_and_instance_are_on_a_volume_that_outlives_the_container() -> None:
    homes = {Path(words[words.index("--home") + 1]).parent for words in commands() if "--home" in words}
    mounted = {Path(text.split(":")[1]) for text in SERVICES["omni"]["volumes"] if not text.endswith(":ro")}
    mounted_in_pod = {Path(mount["mountPath"]) for mount in CONTAINERS[0]["volumeMounts"] if "subPath" not in mount}
    assert homes == mounted == mounted_in_pod
    (instance,) = re.findall(r"^ENV DAGSTER_HOME=(\S+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    instances = {instance, *(pair["value"] for pair in CONTAINERS[0]["env"] if pair["name"] == "DAGSTER_HOME")}
    assert {Path(each).parent for each in instances} == homes


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
