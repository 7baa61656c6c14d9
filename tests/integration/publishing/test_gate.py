"""What makes the search worse is not published, and the documents that did it are named."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.erasure.erase import erase
from omni_pipelines.errors import CitationNotFound, ConfigurationError, GateFailed
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.quality.gate_results import last_gate
from omni_pipelines.knowledge.quality.golden_labels import label_citation, locate_label
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel, load_golden, save_golden
from omni_pipelines.knowledge.sql import run_sql
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.bisection import bisect_release, smallest
from omni_pipelines.publishing.deleted_labels import deleted_labels
from omni_pipelines.publishing.golden_measures import judge
from omni_pipelines.publishing.publish import publish
from omni_pipelines.publishing.quality_gate import gate_verdicts, run_gate, serving_gate
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step import ConfiguredEngines, LoadedEngines, RunContext
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.text.embedding import Embedder

ANIMALS = ("walrus", "badger", "dolphin", "ferret", "gecko", "heron", "ibex", "jackal", "kestrel", "lemur")
NOISE = "# Lorem\n\nLorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod.\n"


def text(animal: str) -> str:
    return (
        f"# {animal}\n\nThe {animal} sleeps in the {animal} shed at night.\n\n## Food\n\nIt eats {animal} biscuits.\n"
    )


def label(animal: str) -> GoldenLabel:
    quote = f"The {animal} sleeps in the {animal} shed"
    return GoldenLabel(question=f"Where does the {animal} sleep?", path=f"{animal}.md", quote=quote)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """Ten animals, each with a golden question, and a published release."""
    home = Home(tmp_path_factory.mktemp("gate") / HOME_NAME)
    base = KnowledgeBase(home).with_files({f"{each}.md": text(each) for each in ANIMALS})
    save_golden(base.home, [label(each) for each in ANIMALS])
    shutil.copytree(base.tree.root, home.root.parent / "kept")
    return base.build()


@pytest.fixture
def base(original: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    """A copy of its home, and its files as they were at their place, which is written in rows and records."""
    shutil.rmtree(original.tree.root)
    shutil.copytree(original.home.root.parent / "kept", original.tree.root)
    shutil.copytree(original.home.root, tmp_path / HOME_NAME)
    base = copy.copy(original)
    base.home = Home(tmp_path / HOME_NAME)
    shutil.copy(original.home.golden, base.home.golden)
    return base


def context(base: KnowledgeBase) -> RunContext:
    return new_run(base.home, base.settings, LoadedEngines(base.count, base.embedder, "embedder-of-a-test"))


def poison(base: KnowledgeBase, *animals: str) -> KnowledgeBase:
    return base.with_files({f"{each}.md": NOISE for each in animals})


def told(base: KnowledgeBase) -> list[str]:
    return [hit.text for hit in base.librarian().search("Where does the walrus sleep?")]


def values(base: KnowledgeBase) -> dict[str, Any]:
    gate = last_gate(base.home)
    assert gate is not None
    return {each.measure: each.value for each in gate.measures}


def test_a_good_state_passes_and_is_measured(base: KnowledgeBase) -> None:
    gate = last_gate(base.home)
    assert gate is not None
    assert (gate.passed, gate.serving, gate.run_id) == (True, None, "test")
    found = {"coverage": None, "orphans": None, "ndcg@10": 1.0, "recall@10": 1.0, "citations": 1.0}
    told = values(base)
    assert 0 < (told.pop("cpu_ms") or 0) < 100
    assert told == found
    rows = run_sql(base.home, "select measure, passed from gate_results order by measure")[1].rows
    assert rows == [(name, True) for name in sorted([*found, "cpu_ms"])]


def test_a_poisoned_batch_is_blocked_and_answers_stay_as_they_were(base: KnowledgeBase) -> None:
    before = told(base)
    with pytest.raises(GateFailed, match=r"ndcg@10: 0\.\d+; the serving release has 1\.000") as refusal:
        poison(base, "walrus", "ibex", "gecko").build()
    assert "omni gate bisect" in refusal.value.cure
    release = newest_release(base.home)
    assert release is not None
    assert (release.release, told(base)) == (1, before)


def test_bisect_names_the_documents_that_did_it_and_no_others(base: KnowledgeBase) -> None:
    base.with_files({f"{each}.md": text(each) + "\nIt is fed at noon.\n" for each in ("heron", "lemur")})
    base.with_files({"mole.md": text("mole")}).without("kestrel.md")
    with pytest.raises(GateFailed):
        poison(base, "walrus", "ibex").build()
    found = bisect_release(context(base))
    named = {(each.path, each.change) for each in found.culprits}
    assert named == {("walrus.md", "changed"), ("ibex.md", "changed"), ("kestrel.md", "deleted")}
    assert (found.serving, found.changed, len(found.worse), found.unexplained) == (1, 6, 3, ())


def test_a_document_that_pushes_the_right_ones_away_is_named(base: KnowledgeBase) -> None:
    """It replaces nothing: it is only said more loudly."""
    flood = {f"walrus{number}.md": f"# walrus\n\nWhere does the walrus sleep? {number}\n" for number in range(12)}
    base.settings = Settings(gate_drop=0.0)
    with pytest.raises(GateFailed):
        base.with_files({**flood, "mole.md": text("mole")}).build()
    found = bisect_release(context(base))
    assert found.worse == ("Where does the walrus sleep?",)
    assert {each.path for each in found.culprits} <= set(flood)
    assert found.culprits


def test_what_failed_is_published_once_it_is_mended(base: KnowledgeBase) -> None:
    with pytest.raises(GateFailed):
        poison(base, "walrus", "ibex").build()
    base.with_files({"walrus.md": text("walrus"), "ibex.md": text("ibex") + "\nIt climbs.\n"}).build()
    assert base.release.release == 2


def test_a_publication_without_a_gate_is_refused_where_there_is_a_golden_set(base: KnowledgeBase) -> None:
    with pytest.raises(GateFailed):
        poison(base, "walrus", "ibex").build()
    with writer_session(base.home, base.settings), pytest.raises(GateFailed, match="quality gate blocks this"):
        publish(context(base))
    (base.home.journal / "gate_results.jsonl").unlink()
    with writer_session(base.home, base.settings), pytest.raises(GateFailed, match="has not measured"):
        publish(context(base))


def test_an_erasure_waits_for_no_gate_and_checks_then_speak_of_its_release(base: KnowledgeBase) -> None:
    run = context(base)
    with writer_session(base.home, base.settings):
        erase(run, "walrus.md")
    (base.home.journal / "gate_results.jsonl").unlink(missing_ok=True)
    verdicts = {verdict.name: verdict for verdict in gate_verdicts(serving_gate(run))}
    assert all(verdict.passed for verdict in verdicts.values())
    assert verdicts["recall_10"].numbers["value"] == pytest.approx(0.9)  # one of ten questions lost its answer


def test_checks_in_the_run_of_a_gate_speak_of_what_it_measured(base: KnowledgeBase) -> None:
    run = replace(context(base), run_id="a run")
    base.with_files({"walrus.md": text("walrus") + "\nIt swims.\n"})
    with writer_session(base.home, base.settings):
        for step in run.steps:
            step.run(run)
        gate = run_gate(run)
        assert serving_gate(run) == gate
        assert serving_gate(context(base)) != gate, "later, the release that is served is measured"


def test_checks_speak_of_a_candidate_that_the_gate_blocked(base: KnowledgeBase) -> None:
    with pytest.raises(GateFailed):
        poison(base, "walrus", "ibex").build()
    gate = serving_gate(context(base))
    assert gate is not None
    assert not gate.passed


def test_another_golden_set_is_another_gate(base: KnowledgeBase) -> None:
    with pytest.raises(GateFailed):
        poison(base, "walrus", "ibex").build()
    save_golden(base.home, [label("badger")])
    with writer_session(base.home, base.settings), pytest.raises(GateFailed, match="has not measured"):
        publish(context(base))
    assert base.build().release.release == 2


def test_without_a_golden_set_the_gate_passes_and_says_so(tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files({"a.md": text("walrus")}).build()
    gate = last_gate(base.home)
    assert gate is not None
    assert gate.passed
    assert "there is no golden question" in gate.reason
    poison(base, "a").build()
    assert base.release.release == 2


def test_no_embedder_is_loaded_where_nothing_is_asked(tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files({"a.md": text("walrus")}).build()

    class Refusing(ConfiguredEngines):
        @property
        def embedder(self) -> Embedder:
            raise AssertionError("the embedder was loaded")

    engines = Refusing(base.settings)
    assert run_gate(new_run(base.home, base.settings, engines)).passed


def test_labels_outlive_another_chunker(base: KnowledgeBase) -> None:
    base.settings = Settings(chunk_tokens=16, chunk_overlap=2)
    base.build()
    assert base.release.release == 2
    assert values(base)["ndcg@10"] > 0.9


def with_another_embedder(base: KnowledgeBase) -> KnowledgeBase:
    other = KnowledgeBase(base.home, settings=base.settings, embedder_fingerprint="another")
    other.tree = base.tree
    return other


def test_another_embedder_is_held_against_the_floor_alone(base: KnowledgeBase) -> None:
    with_another_embedder(base).build()
    gate = last_gate(base.home)
    assert gate is not None
    assert "no release to compare with" in gate.reason


def test_bisect_does_not_blame_documents_for_another_embedder(base: KnowledgeBase) -> None:
    base.settings = Settings(gate_floor=1.0)
    with pytest.raises(GateFailed):
        poison(with_another_embedder(base), "walrus").build()
    with pytest.raises(ConfigurationError, match="the embedder differs"):
        bisect_release(context(base))


# --- the rule


def judged(now: Sequence[float], before: Sequence[float] | None, **settings: float) -> bool:
    def named(values: Sequence[float]) -> dict[str, float]:
        return {f"question {number}": value for number, value in enumerate(values)}

    found = judge("ndcg@10", Settings(**settings), named(now), None if before is None else named(before))
    return found.passed


@pytest.mark.parametrize(
    ("now", "before", "passes"),
    [
        ([1.0] * 10, None, True),
        ([0.2] * 10, None, False),
        ([0.5] * 10, [0.5] * 10, True),
        ([0.5] * 10, [0.45] * 10, True),
        ([0.45] * 10, [0.5] * 10, False),  # small, but every question: chance does not do that
        ([0.45] * 3, [0.5] * 3, True),  # three questions cannot show it
        ([0.3] * 3, [0.5] * 3, False),  # but so large a fall is one
        ([0.0, *[1.0] * 19], [1.0] * 20, True),  # one question of twenty
        ([0.495] * 40, [0.5] * 40, True),  # sure, and too small to matter
    ],
)
def test_the_rule(now: list[float], before: list[float] | None, passes: bool) -> None:
    assert judged(now, before) == passes


def test_the_settings_move_the_limits() -> None:
    assert judged([0.2] * 3, [0.9] * 3, gate_floor=0.1, gate_drop=0.8)
    assert not judged([0.2] * 3, None, gate_floor=0.25)


@given(st.sets(st.integers(0, 60), max_size=6), st.integers(61, 80))
def test_halving_finds_exactly_the_items_that_are_needed(needed: set[int], count: int) -> None:
    items = [str(number) for number in range(count)]
    wanted = {str(number) for number in needed}
    found = smallest(items, lambda part: wanted <= set(part))
    assert set(found) == wanted or (not wanted and len(found) == 1)


# --- golden sets


def test_a_citation_becomes_a_label_that_is_found_again(base: KnowledgeBase) -> None:
    snapshot = base.snapshot()
    made = label_citation(snapshot, "What does the walrus eat?", f"{base.tree.path('walrus.md')}:5-7")
    assert (made.path, made.quote, made.source) == ("walrus.md", "## Food\n\nIt eats walrus biscuits.", "files")
    place = locate_label(snapshot, made)
    assert place is not None
    raw = base.tree.path("walrus.md").read_bytes()
    assert raw[place.start_byte : place.end_byte].decode() == made.quote


def test_a_range_of_bytes_is_a_label_too(base: KnowledgeBase) -> None:
    ranged = GoldenLabel(question="Where?", path="walrus.md", start_byte=10, end_byte=40)
    place = locate_label(base.snapshot(), ranged)
    assert place is not None
    assert (place.start_byte, place.end_byte) == (10, 40)
    assert locate_label(base.snapshot(), ranged.model_copy(update={"path": "yeti.md"})) is None


@pytest.mark.parametrize("citation", ["walrus.md:2", "yeti.md:1", "walrus.md:99"])
def test_a_citation_of_nothing_is_no_label(base: KnowledgeBase, citation: str) -> None:
    with pytest.raises(CitationNotFound):
        label_citation(base.snapshot(), "Where?", citation)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2: is not JSON"),
        ("[]", "line 2"),
        ('{"question": "x"}', "line 2: path"),
        ('{"question": "x", "path": "a.md"}', "a label needs a quote"),
        ('{"question": " ", "path": "a.md", "quote": "b"}', "line 2: question"),
        ('{"question": "x", "path": "a.md", "quote": "b", "qoute": "c"}', "line 2: qoute"),
    ],
)
def test_a_line_that_is_no_label_is_named(tmp_path: Path, line: str, why: str) -> None:
    home = Home(tmp_path / HOME_NAME)
    home.golden.write_text(f'{{"question": "x", "path": "a.md", "quote": "b"}}\n{line}\n')
    with pytest.raises(ConfigurationError) as refusal:
        load_golden(home)
    assert why in refusal.value.message


def test_a_golden_set_reads_back_as_it_was_written(tmp_path: Path) -> None:
    home = Home(tmp_path / HOME_NAME)
    labels = [label("walrus"), label("ibex"), label("walrus").model_copy(update={"path": "other.md"})]
    save_golden(home, labels)
    assert load_golden(home) == {labels[0].question: [labels[0], labels[2]], labels[1].question: [labels[1]]}


def test_wanted_deletion_of_golden_documents_is_published_after_their_questions_are_removed(
    base: KnowledgeBase,
) -> None:
    base.without("walrus.md").without("badger.md")
    with pytest.raises(GateFailed, match=r"2 golden questions are gone \(badger.md, walrus.md\).*remove --deleted"):
        base.build(allow_delete=True)
    labels = [label for labels in load_golden(base.home).values() for label in labels]
    deleted = deleted_labels(base.home, labels)
    assert {each.path for each in deleted} == {"walrus.md", "badger.md"}
    save_golden(base.home, [each for each in labels if each not in deleted])
    assert base.build(allow_delete=True).release.counts["documents"] == 8
