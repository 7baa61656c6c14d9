"""A bit flips in a bundle or a store: a home that takes it over has the same content, or an error with a cure."""

from __future__ import annotations

import itertools
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from omni_pipelines.errors import UnexpectedError, from_exception
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release, require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.operations.scrub import scrub
from omni_pipelines.publishing.bundle import export_release, import_bundle
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.pull import refresh
from tests.stress.harness import full_homes
from tests.stress.harness.damage import files_by_kind, flip
from tests.stress.harness.extent import EXTENT, while_time_lasts
from tests.stress.harness.figures import Figures
from tests.stress.harness.full_homes import FullHome
from tests.stress.harness.oracle import content_of

NUMBERS = itertools.count()
pytestmark = pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> FullHome:
    return full_homes.make(tmp_path_factory.mktemp("copied"))


def taken_over(full: FullHome, folder: Path, take: Callable[[Home], object]) -> str:
    """How a new home that takes over what was damaged ended: `the same content`, or `refused` with nothing in it."""
    home = Home(folder / f"home-{next(NUMBERS)}" / ".omni")
    try:
        take(home)
    except Exception as error:  # as the command line does with what engines raise
        said = from_exception(error)
        if isinstance(said, UnexpectedError):
            raise
        assert said.cure, f"no cure: {said}"
        assert newest_release(home) is None
        return "refused"
    assert content_of(Snapshot.open(home)) == content_of(Snapshot.open(full.home))
    assert not scrub(home, require_release(home)).damage
    return "the same content"


def test_a_flipped_bit_in_a_bundle(full: FullHome, tmp_path: Path, seed: int, figures: Figures) -> None:
    rng, sound = random.Random(seed), tmp_path / "sound.omni"
    export_release(full.home, require_release(full.home).release, sound)
    ends: Counter[str] = Counter()
    for _ in while_time_lasts(range(3 if EXTENT.name == "short" else 200)):
        file = shutil.copy(sound, tmp_path / "bundle.omni")
        flip(Path(file), rng)
        ends[taken_over(full, tmp_path, lambda home: import_bundle(tmp_path / "bundle.omni", home))] += 1
    figures.add("a bit flips in a bundle", "a new home imports it", flips=ends.total(), **dict(ends), mixed=0)


def test_a_flipped_bit_in_a_store(full: FullHome, tmp_path: Path, seed: int, figures: Figures) -> None:
    rng, store = random.Random(seed), full.folder / "store"
    kinds = [files for files in files_by_kind(store) if (store / files[0]).stat().st_size]
    settings = Settings(store=(tmp_path / "store").as_uri())
    ends: Counter[str] = Counter()
    for files in while_time_lasts(rng.sample(kinds, EXTENT.kinds // 2 or len(kinds))):
        for _ in range(EXTENT.flips):
            shutil.copytree(store, tmp_path / "store")
            flip(tmp_path / "store" / rng.choice(files), rng)
            ends[taken_over(full, tmp_path, lambda home: refresh(home, settings))] += 1
            shutil.rmtree(tmp_path / "store")
    figures.add(
        "a bit flips in a file of a store",
        "every kind of file; a new home joins",
        kinds=len(kinds),
        flips=ends.total(),
        **dict(ends),
        mixed=0,
    )
