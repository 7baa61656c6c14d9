"""The comparison with other products: what is measured of one, and what the page makes of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from benchmarks.peers import child, run
from benchmarks.peers.environment import Environment
from benchmarks.peers.given import write_texts, write_vectors
from benchmarks.peers.ndcg import ndcg
from benchmarks.peers.page import page


def runs(product: str, *seconds: float, **more: object) -> list[run.Run]:
    figures = {"chunks": 10, "peak": 100.0, **more}
    return [
        {"product": product, "work": "ingest", "turn": turn, "cpu": cpu, "net": cpu / 2, **figures}
        for turn, cpu in enumerate(seconds)
    ]


def written(*made: run.Run) -> str:
    where = {"date": "2026-01-01", "machine": "1 core", "load": "1", "python": "3.11", "size": "small"}
    return page({"ingest": {**where, "runs": list(made)}}, {})


def test_ratio_compares_runs_of_the_same_turn() -> None:
    """The second turn ran on a busier machine, twice as long for both."""
    shown = written(*runs("omni", 1, 2, 2), *runs("other", 3, 6, 60))
    assert "| other | 6.0 | 3.0 to 60.0 | 3.00 | 3.0 | 3.00 | 10 | 100 |" in shown


def test_goal_is_judged_by_the_product_that_comes_closest() -> None:
    shown = written(*runs("omni", 2, 2), *runs("llama_index", 8, 8), *runs("cocoindex", 1, 3))
    assert "read only what changed cost more than omni | 1.00 (cocoindex) | met |" in shown


def test_product_that_failed_is_named_with_its_reason() -> None:
    shown = written(*runs("omni", 1), {"product": "other", "work": "ingest", "failed": "no wheel"})
    assert "other did not run: no wheel." in shown
    assert "| other |" not in shown


def test_share_of_queries_that_find_their_text_is_measured(tmp_path: Path) -> None:
    """The fake product knows the answer to every other query."""
    write_texts(tmp_path / "given", 40, queries=20)
    work = orjson.loads((tmp_path / "given").read_bytes())
    known = dict(list(zip(work["queries"], work["wanted"], strict=True))[::2])

    def keyword_index(texts: Sequence[str], target: Path) -> child.Search:
        return lambda query, k: [known.get(query, -1)]

    product = SimpleNamespace(keyword_index=keyword_index)
    figures = child.WORKS["keyword"](product, tmp_path / "given", tmp_path)  # type: ignore[arg-type]
    assert figures["found"] == 0.5


def test_recall_is_the_share_of_the_nearest_vectors(tmp_path: Path) -> None:
    write_vectors(tmp_path / "given", 30, queries=5)

    def vector_index(vectors: Any, target: Path) -> child.Search:
        return lambda query, k: [*(-(vectors @ query)).argsort()[: k // 2], *[-1] * (k // 2)]

    product = SimpleNamespace(vector_index=vector_index)
    figures = child.WORKS["vector"](product, tmp_path / "given", tmp_path)  # type: ignore[arg-type]
    assert figures["found"] == 0.5


def test_ndcg_falls_with_the_place_of_the_judged_document(tmp_path: Path) -> None:
    """Each query is a unit vector; its document is the nearest for the first query, and the second for the other."""
    rows = {"corpus": {"a": "1 0", "b": ".8 .6"}, "queries": {"first": "1 0", "second": "1 0", "unjudged": "0 1"}}
    for name, texts in rows.items():
        lines = [orjson.dumps({"_id": key, "text": text}).decode() for key, text in texts.items()]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nfirst\ta\t1\nsecond\tb\t1\n")
    found = ndcg(tmp_path, lambda texts: [[float(number) for number in text.split()] for text in texts])
    assert found == pytest.approx((1 + 1 / math.log2(3)) / 2)


def test_product_runs_in_a_process_and_its_cost_is_reported(tmp_path: Path) -> None:
    write_texts(tmp_path / "given", 40, queries=5)
    product = run.Product("sqlite_fts5", run.loaded("sqlite_fts5"), Path(sys.executable))
    (made,) = run.one_turn(product, ("keyword", "vector"), tmp_path / "given", tmp_path, 0)
    assert made["work"] == "keyword"
    assert made["found"] == 1.0
    assert 0 < made["query"] < made["cpu"] * 1e3
    assert made["peak"] > 1


def test_product_that_cannot_be_installed_is_left_out(tmp_path: Path) -> None:
    class Refuses(Environment):
        def install(self, pins: Sequence[str]) -> str:
            return f"no wheel for {pins[0]}"

    ready, reasons = run.prepare(["omni", "bm25s"], Refuses(tmp_path))
    assert [product.name for product in ready] == ["omni"]
    assert run.absent(reasons, "keyword") == [{"product": "bm25s", "failed": "no wheel for bm25s==0.3.16"}]
    assert run.absent(reasons, "ingest") == []


@pytest.mark.parametrize("name", run.all_products())
def test_every_product_says_what_it_is_and_does_something_or_why_not(name: str) -> None:
    module = run.loaded(name)
    assert module.__doc__
    assert all("==" in pin for pin in module.PACKAGES)
    product = run.Product(name, module, Path())
    assert any(product.does(work) for work in run.FUNCTIONS) is not hasattr(module, "NOT_RUN")
