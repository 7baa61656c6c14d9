"""What every test stands on: a home of its own, and no settings of the developer's."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from omni_pipelines.configuration import find_home, load_settings, user_folder
from omni_pipelines.errors import ModelMissing
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.home_key import make_key
from omni_pipelines.sources.claims import key_file
from omni_pipelines.text.engines import model_fingerprint, vocabulary_file

hypothesis.settings.register_profile(
    "omni",
    deadline=None,  # a busy machine is no failure
    max_examples=500 if os.environ.get("OMNI_STRESS") == "long" else 30,
    derandomize="CI" in os.environ,  # CI judges a change, and not the examples of the day
)
hypothesis.settings.load_profile("omni")
gc.disable()  # ten thousand tests and all modules are made now, and none is given up


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector looks at it no more."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def folder_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The key with which homes that several tests share claim their sources; each test has the same one."""
    folder = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        user_folder().mkdir()
        make_key(key_file())
        yield folder


@pytest.fixture(scope="session")
def folders(folder_of_the_user: Path) -> Callable[[], Path]:
    """Folders for a test: `config` with the key of the user, and `here`, empty. New ones if a test changed them."""
    original = folder_of_the_user.with_name("folders")
    shutil.copytree(folder_of_the_user, original / "config")
    (original / "here").mkdir()
    expected, numbers, copies = _contents(original), itertools.count(), list[Path]()

    def unchanged() -> Path:
        if not copies or _contents(copies[-1]) != expected:
            if copies:
                shutil.rmtree(copies.pop(), ignore_errors=True)
            copies.append(shutil.copytree(original, original.with_name(f"folders-{next(numbers)}")))
        return copies[-1]

    return unchanged


def _contents(root: Path) -> dict[str, bytes | None]:
    found = dict[str, bytes | None]()
    for folder, _, names in os.walk(root):
        found[folder.removeprefix(str(root))] = None
        for path in (os.path.join(folder, name) for name in names):
            with contextlib.suppress(OSError), open(path, "rb") as file:
                found[path.removeprefix(str(root))] = file.read()
    return found


@pytest.fixture(autouse=True)
def no_settings_of_the_developer(
    clean_settings: None,
    folders: Callable[[], Path],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Models stay where they are; everything else of OMNI_* is hidden, and so is what the developer trusts."""
    own = folders()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(own / "config"))
    has_folder = "tmp_path" in request.fixturenames
    monkeypatch.chdir(request.getfixturevalue("tmp_path") if has_folder else own / "here")


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    """`omni` ends quietly when its reader goes, and Dagster keeps Ctrl+C for later: neither is for the next test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / ".omni")
    home.create()
    return home


@pytest.fixture(scope="session")
def models() -> None:
    """What `omni ingest` needs with the default settings; without it the test is skipped."""
    try:
        settings = load_settings(find_home())
        model_fingerprint(settings)
        vocabulary_file(settings)
    except ModelMissing as error:
        pytest.skip(str(error))
