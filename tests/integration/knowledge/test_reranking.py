"""Reranking: the best passages get a new order, the score has a rerank part, and a failure changes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypedDict

import pytest

from omni_pipelines.configuration import load_settings, trust_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.fusion import Fused
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.search.relevance import probability
from omni_pipelines.knowledge.search.reranking import reranked
from omni_pipelines.settings import Settings
from tests.integration.line import Line, Original

FAR = "The heron is a bird of many rivers and lakes. It is said that in winter the water is cold."
NEAR = "A heron in cold water."


def fill(line: Line, docs: Path) -> None:
    (docs / "far.md").write_text(f"{FAR}\n")
    (docs / "near.md").write_text(f"{NEAR}\n")
    (docs / "other.md").write_text("Otters sleep holding hands.\n")
    line.add(docs)
    line.run()


@pytest.fixture
def filled(original: Original, home: Home) -> Line:
    return original.copy(home)


class RerankRequest(TypedDict):
    query: str
    texts: list[str]


class RerankServer(ThreadingHTTPServer):
    """Answers like text-embeddings-inference, with higher scores for texts about rivers, or with an error."""

    status = 200
    requests: list[RerankRequest]

    def scores(self, texts: Sequence[str]) -> list[float]:
        return [1.0 if "rivers" in text else 0.0 for text in texts]


class Handler(BaseHTTPRequestHandler):
    server: RerankServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        scores = self.server.scores(request["texts"])
        body = json.dumps([{"index": at, "score": each} for at, each in enumerate(scores)]).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[RerankServer]:
    server = RerankServer(("127.0.0.1", 0), Handler)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def hits(line: Line, setting: str, mode: Mode = Mode.HYBRID) -> list[Hit]:
    line.home.config.write_text(setting)
    trust_settings(line.home)
    return line.search("heron cold water", mode)


def http_settings(server: RerankServer) -> str:
    return f'reranker = "http"\nrerank_url = "http://127.0.0.1:{server.server_address[1]}/rerank"\n'


def test_search_without_a_reranker_has_no_rerank_part(filled: Line) -> None:
    assert {hit.parts.rerank for hit in hits(filled, "")} == {0.0}


@pytest.mark.parametrize("mode", Mode)
def test_rerank_part_is_added_to_the_log_odds(filled: Line, server: RerankServer, mode: Mode) -> None:
    reranked_hits = hits(filled, http_settings(server), mode)
    assert reranked_hits[0].parts.rerank > 0
    for hit in reranked_hits:
        assert hit.score == pytest.approx(probability([part for _, part in hit.parts]), abs=1e-6)
    assert [hit.score for hit in reranked_hits] == sorted((hit.score for hit in reranked_hits), reverse=True)


def test_http_reranker_changes_the_order(filled: Line, server: RerankServer) -> None:
    assert hits(filled, http_settings(server))[0].path == "far.md"
    (request,) = server.requests
    assert request["query"] == "heron cold water"
    assert any(NEAR in text for text in request["texts"])


@pytest.mark.parametrize("status", [500, 302])
def test_http_reranker_that_fails_changes_nothing(filled: Line, server: RerankServer, status: int) -> None:
    before = [(hit.path, hit.score) for hit in hits(filled, "")]
    server.status = status
    assert [(hit.path, hit.score) for hit in hits(filled, http_settings(server))] == before


def test_unreachable_http_reranker_changes_nothing(filled: Line) -> None:
    before = [hit.path for hit in hits(filled, "")]
    assert [
        hit.path for hit in hits(filled, 'reranker = "http"\nrerank_url = "http://127.0.0.1:9/rerank"\n')
    ] == before


def test_http_reranker_without_an_address_is_refused(line: Line) -> None:
    line.home.create()
    line.home.config.write_text('reranker = "http"\n')
    with pytest.raises(ConfigurationError, match="needs an address"):
        load_settings(line.home)


def test_passages_below_the_depth_follow_in_their_order() -> None:
    fused = [Fused(key, score, score, 0.0) for key, score in (("a", 0.9), ("b", 0.8), ("c", 0.7), ("d", 0.6))]
    order = reranked("q", fused, ["x", "y"], lambda _query, _texts: [0.0, 1.0])
    assert [each.key for each in order] == ["b", "a", "c", "d"]


def test_default_settings_name_no_reranker() -> None:
    assert Settings().reranker == ""
