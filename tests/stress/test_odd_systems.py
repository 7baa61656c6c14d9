"""Homes of an earlier version, file systems without hard links, and users who let nobody read their files."""

from __future__ import annotations

import errno
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from omni_pipelines.errors import from_exception
from omni_pipelines.home import Home
from omni_pipelines.publishing.bundle import export_release, import_bundle
from tests.integration.line import Line, paragraph, texts, write
from tests.samples import old_homes
from tests.stress.harness import faults, full_homes
from tests.stress.harness.extent import EXTENT, while_time_lasts
from tests.stress.harness.faults import LINK, Fault
from tests.stress.harness.figures import Figures
from tests.stress.harness.full_homes import STRANGER, shown
from tests.stress.harness.trial import Trial
from tests.stress.harness.workload import KILLED, Job, Workload

pytestmark = pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)

BEFORE, AFTER = {"walrus.md"}, {"walrus.md", "badger.md", "candle.md"}


def test_kills_of_the_first_run_over_a_home_of_an_earlier_version_lose_nothing(
    scratch: Path, faulty: Workload, figures: Figures, seed: int
) -> None:
    rng, counts = random.Random(seed), Counter[str]()
    archives = sorted(old_homes.FOLDER.iterdir())
    for number in while_time_lasts(range(EXTENT.old_kills)):
        line = old_homes.unpack(rng.choice(archives), scratch / str(number))
        docs = write(scratch / str(number) / "docs", {"candle.md": paragraph("candle")})
        fault = faults.kill(line.home.root, 1 + int(300 ** rng.random()))
        outcome = faulty.run(Job("run", str(line.home.root), str(docs), seed, 0, fault=fault))
        assert outcome.code in (0, KILLED), outcome.error
        counts["killed" if outcome.code == KILLED else "ended before the kill"] += 1
        assert _found(line) in ([AFTER] if outcome.code == 0 else [BEFORE, AFTER])
        line.run()
        assert _found(line) == set(texts(line)) == AFTER
        assert not line.run().published.new
    figures.add(
        "kill -9 in the first run over a home of an earlier version",
        f"the homes in tests/data/homes: {', '.join(archive.name.removesuffix('.tar.xz') for archive in archives)}",
        **dict(counts),
        lost=0,
    )


def _found(line: Line) -> set[str]:
    return {hit.path for hit in line.search("walrus badger candle")}


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links_is_named_with_its_cure(
    scratch: Path, faulty: Workload, figures: Figures, seed: int, number: int
) -> None:
    trial = Trial(Home(scratch / "trial" / ".omni"), scratch / "docs", seed)
    fault = Fault(str(trial.home.root), "fail", 1, number, LINK, lasting=True)
    outcome = faulty.run(trial.job("first", 0, fault=fault))
    said = from_exception(OSError(outcome.error))
    assert "hard links" in said.cure, outcome.error
    assert outcome.fired
    trial.check_repair(0)
    figures.add(
        "a file system without hard links",
        f"every link fails with {errno.errorcode[number]}",
        links_refused=outcome.fired,
        cure=f"“{said.cure}”",
        published=0,
        left_behind=0,
    )


def test_with_umask_077_everything_works_and_nobody_else_can_read_it(tmp_path: Path, figures: Figures) -> None:
    before = os.umask(0o077)
    try:
        full = full_homes.make(tmp_path)
        export_release(full.home, 2, tmp_path / "bundle.tar")
        import_bundle(tmp_path / "bundle.tar", Home(tmp_path / "imported" / ".omni"))
    finally:
        os.umask(before)
    made = list(tmp_path.rglob("*"))
    open_to_others = [path for path in made if path.stat().st_mode & 0o077 and not path.is_symlink()]
    assert open_to_others == []
    assert full_homes.questions(full)["receipt"]() == "verified"
    assert shown(Home(tmp_path / "imported" / ".omni"), STRANGER) == ["e-8413bfe829ef.md"]
    figures.add(
        "umask 077",
        "runs, an erasure, a store, a bundle and its import",
        files_and_folders=len(made),
        open_to_others=0,
    )
