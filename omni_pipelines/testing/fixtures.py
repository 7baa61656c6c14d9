"""The fixtures of the test-kit. This module is in every pytest run, so a fixture imports what it needs when asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from omni_pipelines.home import Home
    from omni_pipelines.testing.builders import KnowledgeBase, SourceTree
    from omni_pipelines.testing.fakes import FakeClock, FakeEmbedder, ScriptedModel, WordCounter

KEPT_VARIABLES = ("OMNI_CACHE",)
"""Models stay where they are: they are large, and the same for everyone."""

TINY_FILES = {
    "keys.md": (
        "# Keys\n\nKeys are rotated with the rotate command.\nThe old key stays valid for one hour.\n\n"
        "## Revoking\n\nA revoked key is refused at once.\n"
    ),
    "backup.md": "# Backups\n\nBackups run every night at three.\nThey are kept for thirty days.\n",
    "src/cache.py": (
        '"""A cache that forgets what was not used for longest."""\n\n\n'
        "def remember(key: str, value: str) -> None:\n"
        '    """Keep a value until the cache is full."""\n'
    ),
}
"""What `tiny_knowledge_base` holds, by path."""


@pytest.fixture
def clean_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the developer: OMNI_* and DAGSTER_HOME are hidden, except where models are kept."""
    for name in [name for name in os.environ if name.startswith("OMNI_") and name not in KEPT_VARIABLES]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


@pytest.fixture
def omni_home(clean_settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Home:
    """An empty home of the test's own; `omni` and `find_home()` use it, here and in child processes."""
    from omni_pipelines.configuration import HOME_VARIABLE
    from omni_pipelines.home import HOME_NAME, Home

    home = Home(tmp_path / HOME_NAME)
    home.create()
    monkeypatch.setenv(HOME_VARIABLE, str(home.root))
    return home


@pytest.fixture
def source_tree(tmp_path: Path) -> SourceTree:
    """An empty folder to put files into, beside the home."""
    from omni_pipelines.testing.builders import SourceTree

    return SourceTree(tmp_path / "files")


@pytest.fixture
def make_knowledge_base(tmp_path: Path) -> Callable[..., KnowledgeBase]:
    """Builds a knowledge base from files: `make_knowledge_base({"a.md": "text"})`; each call makes another one."""
    from omni_pipelines.home import HOME_NAME, Home
    from omni_pipelines.testing.builders import KnowledgeBase

    made = 0

    def make(files: dict[str, str | bytes]) -> KnowledgeBase:
        nonlocal made
        made += 1
        return KnowledgeBase(Home(tmp_path / f"knowledge-{made}" / HOME_NAME)).with_files(files).build()

    return make


@pytest.fixture(scope="session")
def tiny_knowledge_base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """Three files, one release. Shared by all tests of a run, so only to be read; see `make_knowledge_base`."""
    from omni_pipelines.home import HOME_NAME, Home
    from omni_pipelines.testing.builders import KnowledgeBase

    home = Home(tmp_path_factory.mktemp("tiny") / HOME_NAME)
    return KnowledgeBase(home).with_files(TINY_FILES).build()


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that moves when the test says so."""
    from omni_pipelines.testing.fakes import FakeClock

    return FakeClock()


@pytest.fixture
def fake_embedder() -> FakeEmbedder:
    """An embedder without a model, 384 dimensions."""
    from omni_pipelines.testing.fakes import FakeEmbedder

    return FakeEmbedder()


@pytest.fixture
def word_counter() -> WordCounter:
    """A token counter without a vocabulary: it counts words."""
    from omni_pipelines.testing.fakes import WordCounter

    return WordCounter()


@pytest.fixture
def scripted_model() -> Iterator[ScriptedModel]:
    """A language model with an empty script. At the end it fails the test if its script did not fit."""
    from omni_pipelines.testing.fakes import ScriptedModel

    model = ScriptedModel()
    yield model
    model.check()
