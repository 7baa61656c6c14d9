"""Bisection: which of the changed documents made the golden questions worse. Nothing is built for it.

A state in which some documents are reverted to the serving release is composed from the hits of both: those of the
candidate without these documents, and those of the serving release in these documents, by score. So thousands of
states can be tried in a moment. The smallest set of documents whose reversal makes a question as good as reverting
all of them is found as in Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), with
complements only.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.quality.evaluation import score
from omni_pipelines.knowledge.quality.golden_labels import LabelLocation, hit_keys, locate_label
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel, load_golden
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.publishing.golden_measures import GoldenResult, ask_golden
from omni_pipelines.publishing.publish import candidate_release
from omni_pipelines.steps.step import RunContext

DEPTH = 300
"""Hits per question: new documents may have pushed the right ones far down."""


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
    """The result of a bisection."""

    serving: int
    changed: int
    """Documents that differ between the serving release and the candidate."""
    worse: tuple[str, ...]
    """Questions that got worse."""
    culprits: tuple[Culprit, ...]
    """The document that makes most questions worse comes first."""
    unexplained: tuple[str, ...]
    """Questions that no document explains: something else changed, such as the chunker."""


@dataclass(frozen=True)
class _ComparedQuestion:
    """A golden question in both states."""

    now: Sequence[Hit]
    before: Sequence[Hit]
    places_now: Mapping[str, LabelLocation | None]
    places_before: Mapping[str, LabelLocation | None]

    def value(self, reverted: Set[str]) -> tuple[float, float]:
        """NDCG and recall with the `reverted` documents as they are in the serving release."""
        hits = [hit for hit in self.now if hit.doc_id not in reverted]
        hits += [hit for hit in self.before if hit.doc_id in reverted]
        hits.sort(key=lambda hit: (-hit.score, hit.chunk_id))
        places = {
            key: old if old is not None and old.doc_id in reverted else self.places_now[key]
            for key, old in self.places_before.items()
        }
        found = score(hit_keys(hits, places), dict.fromkeys(places, 1))
        return found.ndcg_10, found.recall_10


def bisect_release(run: RunContext) -> Bisection:
    """Compare the candidate, which would be published now, with the serving release.

    Raises:
        ConfigurationError: there is no golden question or no release, or the embedder differs.
        UpstreamMoved: the steps were not all built from one another.
    """
    home, settings = run.home, run.settings
    golden, serving = load_golden(home), require_release(home)
    if not golden:
        raise ConfigurationError(f"there is no golden question in {home.golden}", cure="add one: omni golden add")
    candidate = candidate_release(run)
    if candidate.fingerprints["embedder"] != serving.fingerprints["embedder"]:
        raise ConfigurationError(
            "the embedder differs from that of the serving release, so documents alone do not explain the difference",
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
    """Document id to source, path, and how it changed."""
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


def _is_worse(now: GoldenResult, before: GoldenResult, question: str) -> bool:
    here, there = now.scores[question], before.scores[question]
    return here.ndcg_10 < there.ndcg_10 or here.recall_10 < there.recall_10


def _question(
    text: str, labels: Sequence[GoldenLabel], new: Snapshot, old: Snapshot, now: GoldenResult, before: GoldenResult
) -> _ComparedQuestion:
    def places(snapshot: Snapshot) -> dict[str, LabelLocation | None]:
        return {f"label {number}": locate_label(snapshot, label) for number, label in enumerate(labels)}

    return _ComparedQuestion(now.hits[text], before.hits[text], places(new), places(old))


def _blame(question: _ComparedQuestion, changed: Set[str]) -> list[str]:
    """The documents that make this question worse; none if reverting them does not make it better."""
    shown = {hit.doc_id for hit in (*question.now, *question.before)} & changed
    best = question.value(shown)
    if best <= question.value(set()):
        return []

    def suffices(documents: Sequence[str]) -> bool:
        ndcg, recall = question.value(set(documents))
        return ndcg >= best[0] and recall >= best[1]

    return smallest(sorted(shown), suffices)


def smallest(items: Sequence[str], suffices: Callable[[Sequence[str]], bool]) -> list[str]:
    """A subset of `items` that suffices and from which nothing can be left out, given that all of them suffice."""
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
