"""The models that can be pulled, and `omni model` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from omni_pipelines.model_catalog import CATALOG, Model
from omni_pipelines.model_store import MANIFEST, ModelStore
from tests.unit.test_model_store import LETTERS, break_file, sha256


def test_the_catalog_has_the_models_of_the_default_settings() -> None:
    from omni_pipelines.settings import Settings

    settings = Settings(cache=Path("unused"))
    assert ModelStore(settings.cache).defaults == [settings.embedder, settings.encoding]


@pytest.mark.parametrize("model", CATALOG, ids=lambda model: model.name)
def test_every_file_of_every_package_has_a_published_checksum(model: Model) -> None:
    for origin in model.origins:
        assert {name for package in origin for name in package.members} == set(model.sha256)
    assert all(len(published) == 64 for published in model.sha256.values())


def test_the_vocabularies_are_those_that_the_token_counter_accepts() -> None:
    from native.tiktoken_bpe import SHA256

    checksums = {model.name: model.sha256 for model in CATALOG if model.kind == "vocabulary"}
    assert checksums == {name: {f"{name}.tiktoken": published} for name, published in SHA256.items()}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


VOCABULARY = next(model for model in CATALOG if model.name == "cl100k_base")


def install(cache: Path, model: Model, content: bytes) -> Path:
    """Install a model of the real catalog whose files have this content."""
    folder = cache / "models" / model.fingerprint.replace("/", "-")
    folder.mkdir(parents=True)
    for name in model.sha256:
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_text(json.dumps({"sha256": {name: sha256(content) for name in model.sha256}}))
    return folder


def omni_model(cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, to see its exit code and its error message."""
    command = [sys.executable, "-m", "omni_pipelines.cli.main", "model", *arguments]
    environment = {**os.environ, "OMNI_CACHE": str(cache)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_list_command_writes_one_json_document(cache: Path) -> None:
    models = json.loads(omni_model(cache, "list", "--json").stdout)["models"]
    assert [model["name"] for model in models] == [model.name for model in CATALOG]
    assert not any(model["installed"] for model in models)


def test_the_verify_command_names_the_file_and_the_cure(cache: Path) -> None:
    folder = install(cache, VOCABULARY, LETTERS)
    assert omni_model(cache, "verify").stdout == "cl100k_base: undamaged\n"
    break_file(folder / "cl100k_base.tiktoken")
    result = omni_model(cache, "verify", "--json")
    assert json.loads(result.stdout)["models"] == [
        {"name": "cl100k_base", "whole": False, "damaged": ["cl100k_base.tiktoken"]}
    ]
    assert result.stderr.splitlines() == [
        "omni: model files changed: cl100k_base: cl100k_base.tiktoken [3006]",
        "      cure: run: omni model pull cl100k_base",
    ]
    assert result.returncode == 2


def test_the_pull_command_says_when_there_is_nothing_to_do(cache: Path) -> None:
    install(cache, VOCABULARY, LETTERS)
    result = omni_model(cache, "pull", "cl100k_base")
    assert (result.returncode, result.stderr) == (0, "cl100k_base: already installed and undamaged\n")
