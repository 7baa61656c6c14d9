"""A first ingest can be searched by words before its vectors are complete."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state.releases import list_releases, newest_release
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.operations.scrub import scrub
from omni_pipelines.pipeline.run import RunReport, run_pipeline
from omni_pipelines.pipeline.staleness import stale_index, stale_ingest
from omni_pipelines.progress import notes_to
from omni_pipelines.publishing.early_releases import PAUSE_SECONDS, WORTH_SECONDS, EarlyReleases
from omni_pipelines.steps.step import BatchSizes, RunContext
from tests.integration.line import Line, paragraph, write

TOPICS = ("otter", "walnut", "lantern", "harbour", "violin", "glacier")


class Killed(BaseException):
    """The process ends here."""


@dataclass
class SlowEmbedding:
    """Estimates that much is left to embed after each batch, and that a batch took `seconds`."""

    seconds: float = PAUSE_SECONDS
    left: float = WORTH_SECONDS
    dies_after: int = 1_000
    batches: int = 0
    releases: list[tuple[int, int]] = field(default_factory=list)
    """Chunks and vectors of the newest release after each batch."""
    _now: float = 1_000.0

    def __post_init__(self) -> None:
        self._early = EarlyReleases(lambda: self._now)

    def __call__(self, run: RunContext, estimate: float) -> None:
        self._now += self.seconds
        self.batches += 1
        self._early(run, self.left if estimate else 0.0)
        newest = newest_release(run.home)
        if newest is not None:
            self.releases.append((newest.counts["chunks"], newest.counts["embeddings"]))
        if self.batches >= self.dies_after:
            raise Killed


def ingest(line: Line, slow: SlowEmbedding) -> RunReport:
    """A run whose vectors are made two at a time."""
    return run_pipeline(replace(line.context, after_batch=slow, batches=BatchSizes(texts=2)))


@pytest.fixture
def filled(line: Line, docs: Path) -> Line:
    line.add(write(docs, {f"{topic}.md": f"# {topic}\n\n{paragraph(topic, 2)}\n" for topic in TOPICS}))
    return line


def test_releases_have_all_words_and_ever_more_vectors_until_the_last_is_complete(filled: Line) -> None:
    slow = SlowEmbedding()
    published = ingest(filled, slow).published
    chunks = published.release.counts["chunks"]
    assert {counted for counted, _ in slow.releases} == {chunks}
    shares = [vectors for _, vectors in slow.releases]
    assert shares == sorted(shares)
    assert shares[0] == 2
    assert not published.release.is_early
    assert published.release.release == len(set(shares)) + 1


def test_an_early_release_finds_every_word_and_says_what_can_be_found_by_meaning(filled: Line) -> None:
    with pytest.raises(Killed):
        ingest(filled, SlowEmbedding(dies_after=1))
    librarian = filled.librarian()
    for topic in TOPICS:
        assert librarian.search(f"{topic} keepers")[0].path == f"{topic}.md"
        assert topic in librarian.ask(f"Where is the {topic} number 0 kept?").answer
    assert len(librarian.search("keepers", mode=Mode.VECTOR)) == 2
    assert 0 < librarian.vector_share < 1
    coverage = status(filled.home).coverage
    assert (coverage["keyword"].share, coverage["vector"].entries) == (1.0, 2)
    release = newest_release(filled.home)
    assert release is not None
    assert not scrub(filled.home, release).damage


@pytest.mark.parametrize("feedback", [False, True])
def test_an_early_release_scores_the_best_passages_by_words_as_the_complete_one_does(
    filled: Line, feedback: bool
) -> None:
    def best() -> list[tuple[str, float]]:
        librarian = filled.librarian()
        hits = [librarian.search(f"{topic} keepers", 1, feedback=feedback)[0] for topic in TOPICS]
        return [(hit.path, round(hit.score, 3)) for hit in hits]

    with pytest.raises(Killed):
        ingest(filled, SlowEmbedding(dies_after=1))
    early = best()
    filled.run()
    assert early == best()


def test_a_passage_is_embedded_for_the_first_question_only(filled: Line) -> None:
    with pytest.raises(Killed):
        ingest(filled, SlowEmbedding(dies_after=1))
    librarian = filled.librarian()
    librarian.search("keepers of the violin")
    filled.embedder.embedded.clear()
    librarian.search("keepers of the lantern")
    assert filled.embedder.embedded == ["keepers of the lantern"]


def test_a_run_killed_after_an_early_release_goes_on_where_it_stopped(filled: Line) -> None:
    with pytest.raises(Killed):
        ingest(filled, SlowEmbedding(dies_after=2))
    assert stale_index(filled.context) is None
    assert stale_ingest(filled.context) is not None
    filled.embedder.embedded.clear()
    done = filled.run()
    assert len(filled.embedder.embedded) == done.published.release.counts["chunks"] - 4
    assert not done.published.release.is_early
    assert stale_ingest(filled.context) is None


def test_the_complete_release_tells_what_is_new_since_the_last_complete_one(filled: Line) -> None:
    assert ingest(filled, SlowEmbedding()).published.changes.added == len(TOPICS)


def test_the_note_says_what_can_be_searched(filled: Line) -> None:
    notes: list[str] = []
    with notes_to(notes.append):
        ingest(filled, SlowEmbedding(dies_after=99))
    assert notes[0].startswith("release 1 can be searched: ")
    assert notes[0].endswith(" chunks by words, 2 by meaning too")


def test_a_home_with_a_complete_release_serves_it_until_the_next_is_complete(filled: Line, docs: Path) -> None:
    filled.run()
    write(docs, {"more.md": "\n\n".join(paragraph(topic, 3) for topic in ("orchard", "bridge"))})
    ingest(filled, SlowEmbedding())
    assert [release.is_early for release in list_releases(filled.home)] == [False, False]


@pytest.mark.parametrize(
    ("slow", "releases"),
    [
        pytest.param(SlowEmbedding(left=WORTH_SECONDS - 1), 1, id="little is left"),
        pytest.param(SlowEmbedding(seconds=0.0), 2, id="the last one was just now"),
    ],
)
def test_no_early_release_is_published_when(filled: Line, slow: SlowEmbedding, releases: int) -> None:
    assert ingest(filled, slow).published.release.release == releases


def test_an_early_release_never_mixes_models(filled: Line) -> None:
    with pytest.raises(Killed):
        ingest(filled, SlowEmbedding(dies_after=2))
    filled.model = "fake/2"
    slow = SlowEmbedding()
    ingest(filled, slow)
    assert {release.fingerprints["embedder"] for release in list_releases(filled.home)} == {"fake/1", "fake/2"}
    assert slow.batches == 0


def test_a_home_with_golden_questions_has_complete_releases_only(filled: Line) -> None:
    filled.home.golden.write_text("", "utf-8")
    slow = SlowEmbedding()
    ingest(filled, slow)
    assert slow.releases == []
