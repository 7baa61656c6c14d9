"""Evaluation: the measures of the textbooks, significance, and judged collections."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.quality.evaluation import (
    evaluate,
    ndcg,
    permutation_test,
    recall,
    reciprocal_rank,
    score,
)
from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection, JudgedDocument, load_collection

KEYS = [f"d{number}" for number in range(12)]
rankings = st.permutations(KEYS)
judgements = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 3), min_size=1)


def test_ndcg_matches_a_calculation_by_hand() -> None:
    grades = {"a": 3, "b": 2, "c": 1}
    gain = 2 / math.log2(2) + 3 / math.log2(3) + 1 / math.log2(5)
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(["b", "a", "x", "c"], grades, 10) == pytest.approx(gain / ideal)


def test_recall_and_reciprocal_rank_ignore_documents_below_k() -> None:
    grades = {"a": 1, "b": 1}
    assert recall(["x", "a", "b"], grades, 2) == 0.5
    assert reciprocal_rank(["x", "a"], grades, 2) == 0.5
    assert reciprocal_rank(["x", "a"], grades, 1) == 0.0


@given(ranking=rankings, grades=judgements, length=st.integers(0, len(KEYS)))
def test_measures_agree_with_trec_eval(ranking: list[str], grades: dict[str, int], length: int) -> None:
    trec_eval = pytest.importorskip("pytrec_eval", reason="trec_eval's measures come with the extra dev")
    reference = trec_eval.RelevanceEvaluator({"q": grades}, {"ndcg_cut_10", "recall_10,100", "recip_rank"})
    shown = ranking[:length]
    run = {key: float(-rank) for rank, key in enumerate(shown)}
    first_ten = {key: float(-rank) for rank, key in enumerate(shown[:10])}
    if not run:
        assert score(shown, grades).ndcg_10 == 0.0
        return
    theirs, theirs_10 = (reference.evaluate({"q": each})["q"] for each in (run, first_ten))
    ours = score(shown, grades)
    assert ours.ndcg_10 == pytest.approx(theirs["ndcg_cut_10"])
    assert (ours.recall_10, ours.recall_100) == pytest.approx((theirs["recall_10"], theirs["recall_100"]))
    assert ours.mrr_10 == pytest.approx(theirs_10["recip_rank"])


@given(ranking=rankings, grades=judgements)
def test_ndcg_is_one_for_the_ideal_ranking_and_never_more(ranking: list[str], grades: dict[str, int]) -> None:
    ideal = sorted(grades, key=lambda key: -grades[key])
    relevant = any(grades.values())
    assert ndcg(ideal, grades, 10) == pytest.approx(1.0 if relevant else 0.0)
    assert 0 <= ndcg(ranking, grades, 10) <= 1 + 1e-9


def test_score_counts_a_repeated_document_once() -> None:
    assert score(["a", "a", "b"], {"b": 1}).mrr_10 == 0.5


def test_evaluate_takes_means_over_all_judged_queries() -> None:
    collection = JudgedCollection(
        "x", (JudgedDocument("a", "", "t"),), {"q1": "one", "q2": "two"}, {"q1": {"a": 1}, "q2": {"a": 1}}
    )
    means, scores = evaluate(collection, "fake", lambda query, _depth: ["a"] if query == "one" else [])
    assert means.ndcg_10 == 0.5
    assert {query: each.recall_10 for query, each in scores.items()} == {"q1": 1.0, "q2": 0.0}
    assert means.model_dump(by_alias=True).keys() >= {"ndcg@10", "recall@100", "mrr@10", "judged@10"}


def test_permutation_test_separates_equal_runs_from_different_runs() -> None:
    same = [0.5, 0.2, 0.9] * 20
    assert permutation_test(same, same) == 1.0
    assert permutation_test([each + 0.3 for each in same], same) < 0.001


def test_permutation_test_refuses_runs_of_different_length() -> None:
    with pytest.raises(ValueError, match="same queries"):
        permutation_test([1.0], [1.0, 2.0])


def collection(folder: Path, corpus: str, queries: str, judged: str) -> Path:
    (folder / "qrels").mkdir()
    (folder / "corpus.jsonl").write_text(corpus)
    (folder / "queries.jsonl").write_text(queries)
    (folder / "qrels" / "test.tsv").write_text(judged)
    return folder


CORPUS = '{"_id": "d1", "title": "T", "text": "x"}\n'
QUERIES = '{"_id": "q1", "text": "x?"}\n{"_id": "q2", "text": "y?"}\n'
HEADER = "query-id\tcorpus-id\tscore\n"


def test_load_collection_keeps_judged_queries_only(tmp_path: Path) -> None:
    loaded = load_collection(collection(tmp_path, CORPUS, QUERIES, HEADER + "q1\td1\t1\n"))
    assert dict(loaded.queries) == {"q1": "x?"}
    assert loaded.documents == (JudgedDocument("d1", "T", "x"),)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_load_collection_reads_the_numbers_that_python_writes_as_json(tmp_path: Path, number: str) -> None:
    corpus = f'{{"_id": "d1", "title": "T", "text": "x", "metadata": {{"year": {number}}}}}\n'
    loaded = load_collection(collection(tmp_path, corpus, QUERIES, HEADER + "q1\td1\t1\n"))
    assert loaded.documents == (JudgedDocument("d1", "T", "x"),)


@pytest.mark.parametrize(
    ("corpus", "queries", "judged", "message"),
    [
        ("not json\n", QUERIES, HEADER + "q1\td1\t1\n", "corpus.jsonl line 1"),
        (CORPUS, '{"_id": "q1"}\n', HEADER + "q1\td1\t1\n", "queries.jsonl line 1"),
        (CORPUS, QUERIES, HEADER + "q1 d1 1\n", "test.tsv line 2"),
        (CORPUS, QUERIES, HEADER, "no query"),
        (CORPUS, QUERIES, HEADER + "q1\td1\t0\n", "no query"),
    ],
)
def test_load_collection_of_a_damaged_file_names_file_and_line(
    tmp_path: Path, corpus: str, queries: str, judged: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_collection(collection(tmp_path, corpus, queries, judged))


def test_load_collection_of_another_folder_lists_the_expected_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        load_collection(tmp_path)
    assert "corpus.jsonl" in caught.value.cure
