"""A bit flips in a file of a home, or the file is lost: nobody is told something wrong, and an ingest repairs it."""

from __future__ import annotations

import itertools
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from omni_pipelines.errors import OmniError, TableBroken, UnexpectedError, from_exception
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.operations.alerts import AlertLedger
from omni_pipelines.operations.scrub import mark_for_repair, scrub
from omni_pipelines.pipeline.writer_session import writer_session
from tests.stress.harness import full_homes
from tests.stress.harness.damage import files_by_kind, flip
from tests.stress.harness.extent import EXTENT, while_time_lasts
from tests.stress.harness.figures import Figures
from tests.stress.harness.full_homes import FullHome

NUMBERS = itertools.count()
pytestmark = pytest.mark.timeout(7200 if EXTENT.name == "long" else 300)
Answers = dict[str, object]
TELLING = {"scrub", "audit log", "receipt"}
"""Another answer than before says that something is damaged, or cannot be checked."""
CONTENT = ("newest release", "what staff sees", "what a stranger sees", "quarantine", "unread files")
"""What an ingest makes again from the sources."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> FullHome:
    return full_homes.make(tmp_path_factory.mktemp("sound"))


@contextmanager
def copied(sound: FullHome) -> Iterator[FullHome]:
    """A copy at a new path, because Lance keeps what it read by path; its store is as it was afterwards."""
    store, kept = sound.folder / "store", sound.folder / "kept"
    shutil.copytree(store, kept)
    copy = sound.at(sound.home.root.with_name(f"copy-{next(NUMBERS)}"))
    shutil.copytree(sound.home.root, copy.home.root)
    try:
        yield copy
    finally:
        shutil.rmtree(copy.home.root, ignore_errors=True)  # after a panic, a thread of Tantivy may still write
        shutil.rmtree(store)
        kept.rename(store)


def answers(full: FullHome) -> Answers:
    """What the home says, by question; an error with a cure is an answer as well."""
    return {name: _answer(ask) for name, ask in full_homes.questions(full).items()}


def _answer(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except Exception as error:  # as the command line does with what engines raise
        said = from_exception(error)
        if isinstance(said, UnexpectedError):
            raise
        return said if said.cure else f"no cure: {said}"


def verdict(before: Answers, after: Answers) -> str:
    """`harmless`, `told`, `made again` for what counts as missing, or what is silently wrong."""
    changed = {name for name in before if after[name] != before[name]}
    if changed & TELLING or any(isinstance(after[name], Exception) for name in changed):
        return "told"
    wrong = {name for name in changed if not _is_missing(name, before[name], after[name])}
    return f"silently wrong: {sorted(wrong)}" if wrong else "made again" if changed else "harmless"


def _is_missing(name: str, before: object, after: object) -> bool:
    """Whether an answer lacks something that the next run makes again, and says nothing else."""
    if name == "steps":
        assert isinstance(before, dict)
        assert isinstance(after, dict)
        return after.items() <= before.items()
    return name == "alerts" and after == AlertLedger()


def repair(full: FullHome) -> Answers:
    """What the home says after `omni scrub --repair` and an ingest."""
    report = scrub(full.home, require_release(full.home))
    with writer_session(full.home, full.line.settings, repairs=True):
        mark_for_repair(full.home, report)
    full.line.run()
    return answers(full)


def test_a_flipped_bit_in_any_file_is_never_silently_wrong(sound: FullHome, seed: int, figures: Figures) -> None:
    rng, before = random.Random(seed), answers(sound)
    verdicts: Counter[str] = Counter()
    kinds = [found for files in files_by_kind(sound.home.root) if (found := [p for p in files if _size(sound, p)])]
    chosen = rng.sample(kinds, EXTENT.kinds or len(kinds))
    for files in while_time_lasts(chosen):
        for _ in range(EXTENT.flips):
            path = rng.choice(files)
            with copied(sound) as copy:
                flip(copy.home.root / path, rng)
                said = verdict(before, answers(copy))
            assert not said.startswith("silently"), f"{path}: {said}"
            verdicts[said] += 1
    figures.add(
        "a bit flips in a file of a home",
        f"every kind of file, with a store; {len(before)} questions to the home, a scrub of all releases among them",
        kinds=len(chosen),
        flips=verdicts.total(),
        **dict(verdicts),
        silently_wrong=0,
    )


def _size(sound: FullHome, path: Path) -> int:
    return (sound.home.root / path).stat().st_size


def lose(path: Path, _rng: random.Random) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [lose, flip])
def test_the_content_of_a_damaged_file_is_made_again(
    sound: FullHome, seed: int, figures: Figures, damage: Callable[[Path, random.Random], None]
) -> None:
    rng, before = random.Random(seed), answers(sound)
    kinds = files_by_kind(sound.home.root)
    outcomes: Counter[str] = Counter()
    for files in while_time_lasts(rng.sample(kinds, EXTENT.kinds // 4 or len(kinds))):
        path = files[-1]
        if damage is flip and not _size(sound, path):
            continue
        with copied(sound) as copy:
            damage(copy.home.root / path, rng)
            after = answers(copy)
            assert "no cure" not in str(after), path
            assert _shown_to_strangers(after) <= _shown_to_strangers(before), path
            if path.name == "home.json" or (damage is flip and path.name == "sources.json"):
                with pytest.raises(OmniError, match=r"into a new home|restore it from a backup"):
                    repair(copy)  # only a backup knows what was in it
                outcomes["refused with its cure"] += 1
                continue
            repaired = repair(copy)
        wrong = [name for name in CONTENT if repaired[name] != before[name]]
        assert not wrong, f"{path}: {wrong}"
        assert not any(repaired["scrub"][:1]), path  # type: ignore[index]
        outcomes["content as before after scrub --repair and an ingest"] += 1
    what = "a file of a home is lost" if damage is lose else "a bit flips in a file of a home, and it is repaired"
    figures.add(what, "one file of every kind, with a store", **dict(outcomes), silently_wrong=0)


def _shown_to_strangers(said: Answers) -> set[str]:
    shown = said["what a stranger sees"]
    return set(shown) if isinstance(shown, list) else set()


@pytest.mark.parametrize(
    ("files", "place", "bit"),
    [
        ("tables/chunks.lance/_deletions/*", -19, 1),  # the length of the rows: 128 GiB more
        ("tables/embeddings.lance/data/*", -13, 7),  # the number of buffers: 2 billion more
    ],
)
def test_a_file_at_which_lance_would_end_the_process_is_refused_and_made_again(
    sound: FullHome, files: str, place: int, bit: int
) -> None:
    before = answers(sound)
    with copied(sound) as copy:
        for path in copy.home.root.glob(files):
            raw = bytearray(path.read_bytes())
            raw[place] ^= 1 << bit
            path.write_bytes(raw)
        after = answers(copy)
        for name in ("newest release", "what staff sees", "what a stranger sees"):
            assert "repair it: omni scrub --repair, then omni ingest" in str(after[name]), name
        with pytest.raises(TableBroken):
            copy.line.run()
        repaired = repair(copy)
    assert [repaired[name] for name in CONTENT] == [before[name] for name in CONTENT]
    assert not any(repaired["scrub"][:1])  # type: ignore[index]


@pytest.mark.parametrize("name", ["sources.json", "unread.json", "shared/home.json", "built/documents.json"])
def test_a_document_without_a_checksum_of_an_earlier_version_is_read(sound: FullHome, name: str) -> None:
    before = answers(sound)
    with copied(sound) as copy:
        full_homes.unseal(copy.home.root / name)
        assert answers(copy) == before
