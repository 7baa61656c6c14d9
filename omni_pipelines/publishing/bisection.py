"""Which of the changed documents made the golden questions worse: found by halving, without building anything.

A state in which some documents are as they were in the serving release is put together from the hits of both: those
of the candidate without these documents, and those of the serving release of these documents alone, by their scores.
So thousands of such states can be tried in a moment. The search for the smallest set of documents whose return makes
a question as good as the return of all is Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input"
(2002), on complements only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.quality.evaluation import score
from omni_pipelines.knowledge.quality.golden import GoldenLabel, Place, load_golden, locate_label, rank_places
from omni_pipelines.knowledge.search.search import Hit
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.publishing.publish import candidate_release
from omni_pipelines.publishing.quality_gate import Asked, ask_golden
from omni_pipelines.steps.step import RunContext

DEPTH = 300
"""Hits that are asked for: noise may have pushed the right ones far down."""


@dataclass(frozen=True)
class Culprit:
    """A document whose change made questions worse."""

    source: str
    path: str
    change: str
    """added, changed or deleted."""
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Bisection:
    """What came of it."""

    serving: int
    changed: int
    """Documents that differ between the serving release and the candidate."""
    worse: tuple[str, ...]
    """Questions that became worse."""
    culprits: tuple[Culprit, ...]
    """The document that spoils most comes first."""
    unexplained: tuple[str, ...]
    """Questions that no document explains: something else has changed, as the chunker."""


@dataclass(frozen=True)
class _Question:
    """A question in both states."""

    now: Sequence[Hit]
    before: Sequence[Hit]
    places_now: Mapping[str, Place | None]
    places_before: Mapping[str, Place | None]

    def value(self, returned: Set[str]) -> tuple[float, float]:
        """NDCG and recall where the `returned` documents are as they were."""
        hits = [hit for hit in self.now if hit.doc_id not in returned]
        hits += [hit for hit in self.before if hit.doc_id in returned]
        hits.sort(key=lambda hit: (-hit.score, hit.chunk_id))
        places = {
            key: old if old is not None and old.doc_id in returned else self.places_now[key]
            for key, old in self.places_before.items()
        }
        found = score(rank_places(hits, places), dict.fromkeys(places, 1))
        return found.ndcg_10, found.recall_10


def bisect_release(run: RunContext) -> Bisection:
    """Compare what would be published now with what serves.

    Raises:
        ConfigurationError: there is no golden set, no release, or the embedder is another one.
        UpstreamMoved: the steps were not all built from one another.
    """
    home, settings = run.home, run.settings
    golden, serving = load_golden(home), require_release(home)
    if not golden:
        raise ConfigurationError(f"there is no golden set at {home.golden}", cure="make one: omni golden add")
    candidate = candidate_release(run)
    if candidate.fingerprints["embedder"] != serving.fingerprints["embedder"]:
        raise ConfigurationError(
            "the embedder is another one than that of the serving release, so it is not the documents alone",
            cure="go back to the old embedder, or publish with a lower gate_floor",
        )
    new, old = Snapshot(home, candidate), Snapshot(home, serving)
    changes = _changes(new, old)
    now, before = (ask_golden(each, settings, run.engines.embedder, golden, DEPTH) for each in (new, old))
    worse = [each for each in golden if _is_worse(now, before, each)]
    blamed: dict[str, list[str]] = {}
    unexplained = []
    for text in worse:
        found = _blame(_question(text, golden[text], new, old, now, before), set(changes))
        for document in found:
            blamed.setdefault(document, []).append(text)
        if not found:
            unexplained.append(text)
    culprits = [Culprit(*changes[document], tuple(questions)) for document, questions in blamed.items()]
    culprits.sort(key=lambda each: (-len(each.questions), each.source, each.path))
    return Bisection(serving.release, len(changes), tuple(worse), tuple(culprits), tuple(unexplained))


def _changes(new: Snapshot, old: Snapshot) -> dict[str, tuple[str, str, str]]:
    """Document to source, path and what became of it."""
    columns = ("doc_id", "source", "path", "content_hash")
    now, before = ({row["doc_id"]: row for row in each.documents(columns)} for each in (new, old))
    found = {}
    for document, row in {**before, **now}.items():
        if document not in now:
            change = "deleted"
        elif document not in before:
            change = "added"
        elif row["content_hash"] != before[document]["content_hash"]:
            change = "changed"
        else:
            continue
        found[document] = (row["source"], row["path"], change)
    return found


def _is_worse(now: Asked, before: Asked, question: str) -> bool:
    here, there = now.scores[question], before.scores[question]
    return here.ndcg_10 < there.ndcg_10 or here.recall_10 < there.recall_10


def _question(
    text: str, labels: Sequence[GoldenLabel], new: Snapshot, old: Snapshot, now: Asked, before: Asked
) -> _Question:
    def places(snapshot: Snapshot) -> dict[str, Place | None]:
        return {f"label {number}": locate_label(snapshot, label) for number, label in enumerate(labels)}

    return _Question(now.hits[text], before.hits[text], places(new), places(old))


def _blame(question: _Question, changed: Set[str]) -> list[str]:
    """The documents that make this question worse; none where their return does not make it better."""
    shown = {hit.doc_id for hit in (*question.now, *question.before)} & changed
    best = question.value(shown)
    if best <= question.value(set()):
        return []

    def suffices(documents: Sequence[str]) -> bool:
        ndcg, recall = question.value(set(documents))
        return ndcg >= best[0] and recall >= best[1]

    return smallest(sorted(shown), suffices)


def smallest(items: Sequence[str], suffices: Callable[[Sequence[str]], bool]) -> list[str]:
    """A part of `items` that suffices and from which none can be left out; all of them suffice."""
    kept, parts = list(items), 2
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if rest and suffices(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(kept))
    return kept
