"""A second look orders the best passages anew, its part stands in the score, and its failure changes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.search.fusion import Fused
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.search.reranking import WEIGHT, WordsReranker, reranked
from omni_pipelines.settings import Settings
from tests.integration.line import Line

FAR = "The heron is a bird of many rivers and lakes. It is said that in winter the water is cold."
NEAR = "A heron in cold water."


@pytest.fixture
def filled(line: Line, docs: Path) -> Line:
    (docs / "far.md").write_text(f"{FAR}\n")
    (docs / "near.md").write_text(f"{NEAR}\n")
    (docs / "other.md").write_text("Otters sleep holding hands.\n")
    line.add(docs)
    line.run()
    return line


class Server(ThreadingHTTPServer):
    """Answers as text-embeddings-inference does, with the scores it was given, or with an error."""

    status = 200
    asked: list[dict[str, object]]

    def scores(self, texts: Sequence[str]) -> list[float]:
        return [1.0 if "rivers" in text else 0.0 for text in texts]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        scores = self.server.scores(asked["texts"])
        body = json.dumps([{"index": at, "score": each} for at, each in enumerate(scores)]).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def hits(line: Line, setting: str, mode: Mode = Mode.HYBRID) -> list[Hit]:
    line.home.config.write_text(setting)
    return line.search("heron cold water", mode)


def by_server(server: Server) -> str:
    return f'reranker = "http"\nrerank_url = "http://127.0.0.1:{server.server_address[1]}/rerank"\n'


def test_without_one_nothing_is_added(filled: Line) -> None:
    assert {hit.parts.rerank for hit in hits(filled, "")} == {0.0}


@pytest.mark.parametrize("mode", Mode)
def test_its_part_stands_in_the_score(filled: Line, mode: Mode) -> None:
    found = hits(filled, 'reranker = "words"\n', mode)
    assert found[0].path == "near.md"
    assert 0 < found[0].parts.rerank <= WEIGHT
    for hit in found:
        parts = hit.parts
        assert hit.score == pytest.approx(parts.keyword + parts.vector + parts.boost + parts.rerank, abs=1e-6)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


def test_a_server_orders_anew(filled: Line, server: Server) -> None:
    assert hits(filled, by_server(server))[0].path == "far.md"
    (asked,) = server.asked
    assert asked["query"] == "heron cold water"
    assert any(NEAR in text for text in asked["texts"])  # type: ignore[union-attr,attr-defined]


@pytest.mark.parametrize("status", [500, 302])
def test_a_server_that_fails_changes_nothing(filled: Line, server: Server, status: int) -> None:
    before = [(hit.path, hit.score) for hit in hits(filled, "")]
    server.status = status
    assert [(hit.path, hit.score) for hit in hits(filled, by_server(server))] == before


def test_a_server_that_is_not_there_changes_nothing(filled: Line) -> None:
    before = [hit.path for hit in hits(filled, "")]
    assert [
        hit.path for hit in hits(filled, 'reranker = "http"\nrerank_url = "http://127.0.0.1:9/rerank"\n')
    ] == before


def test_a_server_needs_an_address(line: Line) -> None:
    line.home.create()
    line.home.config.write_text('reranker = "http"\n')
    with pytest.raises(ConfigurationError, match="needs an address"):
        load_settings(line.home)


def test_words_that_stand_together_count_more_than_words_apart() -> None:
    near, far, none = WordsReranker().scores("cold water", ["In cold water.", "Cold is what the water is.", "Fire."])
    assert 1.0 >= near > far > none == 0.0


def test_what_is_not_looked_at_stays_behind_in_its_order() -> None:
    fused = [Fused(key, score, score, 0.0) for key, score in (("a", 0.9), ("b", 0.8), ("c", 0.7), ("d", 0.6))]
    found = reranked("q", fused, ["x", "y"], lambda _query, _texts: [0.0, 1.0])
    assert [each.key for each in found] == ["b", "a", "c", "d"]


def test_nothing_is_sent_by_default() -> None:
    assert Settings().reranker == ""
