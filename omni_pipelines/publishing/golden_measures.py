"""What the quality gate measures with golden questions: ranking, cost and citations of a candidate."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from omni_pipelines import progress
from omni_pipelines.amounts import counted
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.quote_checks import Checks, check_sentences
from omni_pipelines.knowledge.answers.receipts import receipt_sentences
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.evaluation import Scores, permutation_test, score
from omni_pipelines.knowledge.quality.gate_results import GateMeasure
from omni_pipelines.knowledge.quality.golden_labels import hit_keys, locate_label
from omni_pipelines.knowledge.quality.golden_questions import GoldenSet
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.publishing.deleted_labels import deleted_labels, deletion_note
from omni_pipelines.publishing.gate_checks import MEASURES
from omni_pipelines.records import Release
from omni_pipelines.settings import Settings
from omni_pipelines.text.embedding import Embedder

DEPTH = 100
"""Hits per question."""
WARM_UP = 3
"""Searches before the cost of one is measured."""
MAX_ANSWERED = 100
"""Golden questions that are answered to check citations."""
SIGNIFICANT = 0.05
TOLERATED = 0.01
"""A decrease of the mean that passes, however significant it is."""
Rankings = dict[str, list[Hit]]


@dataclass(frozen=True)
class GoldenResult:
    """What the golden questions gave in one state."""

    hits: Rankings
    scores: dict[str, Scores]
    cpu_ms: float
    """Median CPU time per question."""


def golden_measures(
    home: Home, settings: Settings, embedder: Embedder, golden: GoldenSet, candidate: Release, serving: Release | None
) -> Iterator[GateMeasure]:
    """The measures that ask the golden questions: quality, cost and citations of the candidate."""
    opened = Snapshot(home, candidate)
    note = deletion_note(deleted_labels(home, [label for labels in golden.values() for label in labels]))
    now = ask_golden(opened, settings, embedder, golden)
    before = None
    if serving is not None and serving.fingerprints["embedder"] == candidate.fingerprints["embedder"]:
        before = ask_golden(Snapshot(home, serving), settings, embedder, golden)
    for name, field in MEASURES.items():
        values = {question: float(getattr(each, field)) for question, each in now.scores.items()}
        old = {question: float(getattr(each, field)) for question, each in before.scores.items()} if before else None
        measure = judge(name, settings, values, old)
        yield measure.model_copy(update={"detail": "; ".join(filter(None, [measure.detail, note]))})
    yield _cost(settings, now.cpu_ms, before.cpu_ms if before is not None else None)
    yield _citations(opened, settings, embedder, golden)


def _cost(settings: Settings, now: float, before: float | None) -> GateMeasure:
    """Median CPU per question: the first questions also open tables."""
    compared = f", {before:.1f} in the serving release" if before is not None else ""
    detail = f"{now:.1f} ms of CPU per question{compared}, at most {settings.gate_cpu_ms:.0f}"
    return GateMeasure(measure="cpu_ms", passed=now <= settings.gate_cpu_ms, value=now, before=before, detail=detail)


def ask_golden(
    snapshot: Snapshot, settings: Settings, embedder: Embedder, golden: GoldenSet, depth: int = DEPTH
) -> GoldenResult:
    """Ask every question of the golden set in one state."""
    librarian = Librarian(snapshot, settings, embedder)
    hits: Rankings = {}
    spent: list[float] = []
    for question in list(golden)[:1] * WARM_UP:
        librarian.search(question, depth)  # a question is not charged for opening tables
    for done, question in enumerate(golden):
        progress.report("asking golden questions", done, len(golden), "questions")
        began = time.process_time()
        hits[question] = librarian.search(question, depth)
        spent.append((time.process_time() - began) * 1e3)
    progress.report("asking golden questions", len(golden), len(golden), "questions")
    return GoldenResult(hits, score_hits(snapshot, golden, hits), median(spent))


def score_hits(snapshot: Snapshot, golden: GoldenSet, hits: Mapping[str, Sequence[Hit]]) -> dict[str, Scores]:
    """The measures of each question. A label whose words are gone cannot be found by any hit."""
    scores = {}
    for question, labels in golden.items():
        places = {f"label {number}": locate_label(snapshot, label) for number, label in enumerate(labels)}
        scores[question] = score(hit_keys(hits[question], places), dict.fromkeys(places, 1))
    return scores


def judge(name: str, settings: Settings, now: Mapping[str, float], before: Mapping[str, float] | None) -> GateMeasure:
    """Whether the candidate passes a measure: it is above the floor, and not worse than the serving release.

    A decrease of the mean by more than `gate_drop` fails. A smaller decrease fails if a paired test says that it is
    not due to chance; with few questions the test can never say so, and only the two limits apply.
    """
    value = fmean(now.values())
    low = value < settings.gate_floor
    if before is None:
        detail = f"{value:.3f}, at least {settings.gate_floor:.3f}; there is no release to compare with"
        return GateMeasure(measure=name, passed=not low, value=value, least=settings.gate_floor, detail=detail)
    old = fmean(before.values())
    p = permutation_test([now[each] for each in now], [before[each] for each in now])
    fall = old - value
    fell = fall > settings.gate_drop or (fall > TOLERATED and p < SIGNIFICANT)
    detail = f"{value:.3f}; the serving release has {old:.3f} (p = {p:.3f}), the floor is {settings.gate_floor:.3f}"
    worse = sorted((each for each in now if now[each] < before[each]), key=lambda each: now[each] - before[each])
    if worse:
        detail += f"; worse: {len(worse)} of {counted(len(now), 'question')}, such as {worse[0]!r}"
    return GateMeasure(
        measure=name,
        passed=not low and not fell,
        value=value,
        before=old,
        least=settings.gate_floor,
        p=p,
        detail=detail,
    )


def _citations(snapshot: Snapshot, settings: Settings, embedder: Embedder, golden: GoldenSet) -> GateMeasure:
    """The share of citations in answers to golden questions that match the source at exactly their bytes."""
    librarian = Librarian(snapshot, settings, embedder)
    right = wrong = 0
    for question in list(golden)[:MAX_ANSWERED]:
        for sentence in receipt_sentences(snapshot, librarian.ask(question, generate=False, keep=False)):
            checks = Checks()
            check_sentences(snapshot, [sentence], checks)
            right, wrong = right + checks.holds, wrong + (not checks.holds)
    share = right / (right + wrong) if right + wrong else 1.0
    detail = f"{right} of {right + wrong} citations match their source byte for byte"
    return GateMeasure(measure="citations", passed=not wrong, value=share, least=1.0, detail=detail)
