"""A model on this machine: it starts with the first question, and what is missing is said with the cure."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.errors import ConfigurationError, ModelMissing, NetworkUnreachable
from omni_pipelines.language_models.local_model import LocalModel
from omni_pipelines.language_models.openai_http import ModelLimits
from omni_pipelines.language_models.port import COMPLETE, Message
from omni_pipelines.language_models.variants import check_local_model, register_language_models
from omni_pipelines.model_catalog import CATALOG, GGUF
from omni_pipelines.model_store import MANIFEST
from omni_pipelines.settings import Settings
from omni_pipelines.variant_registry import VariantRegistry

ASK = [Message("user", "How long do otters sleep?")]
EVENTS = b"".join(
    b"data: " + json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": end}]}).encode() + b"\n\n"
    for text, end in (("Nine ", None), ("hours.", "stop"))
)


class FakeServer:
    """A server with one answer, which wants its key."""

    key = "made-up-key"

    def __init__(self) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                allowed = self.headers["Authorization"] == f"Bearer {fake.key}"
                self.send_response(200 if allowed else 401)
                self.send_header("Content-Length", str(len(EVENTS)))
                self.end_headers()
                self.wfile.write(EVENTS)

            def log_message(self, *_: Any) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.is_running = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.is_running = False
        self._http.shutdown()
        self._http.server_close()


class Starter:
    """Starts fake servers, and remembers them."""

    def __init__(self) -> None:
        self.started: list[FakeServer] = []
        self.arguments: list[tuple[Path, int, int]] = []

    def __call__(self, file: Path, threads: int, context: int) -> FakeServer:
        self.arguments.append((file, threads, context))
        self.started.append(FakeServer())
        return self.started[-1]


@pytest.fixture
def starter() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    for server in starter.started:
        if server.is_running:
            server.close()


@pytest.fixture
def model(starter: Starter) -> LocalModel:
    limits = ModelLimits(seconds=10)
    return LocalModel(Path("model.gguf"), 2, limits, start=starter)


def test_model_is_loaded_by_the_first_question_and_kept(starter: Starter, model: LocalModel) -> None:
    assert model.health_check().reason == ""
    assert starter.started == []
    heard: list[str] = []
    assert model.complete(ASK, on_text=heard.append).text == "Nine hours."
    assert model.complete(ASK, on_text=heard.append).text == "Nine hours."
    assert heard[-1] == "Nine hours."
    assert [(file.name, threads) for file, threads, _ in starter.arguments] == [("model.gguf", 2)]


def test_model_whose_process_ended_is_loaded_again(starter: Starter, model: LocalModel) -> None:
    model.complete(ASK, on_text=str)
    starter.started[0].close()
    assert model.complete(ASK, on_text=str).text == "Nine hours."
    assert len(starter.started) == 2


def test_model_that_does_not_answer_is_loaded_again_by_the_next_question(starter: Starter, model: LocalModel) -> None:
    model.complete(ASK, on_text=str)
    starter.started[0].close()
    starter.started[0].is_running = True  # the process lives, but nobody answers
    with pytest.raises(NetworkUnreachable):
        model.complete(ASK, on_text=str)
    assert model.complete(ASK, on_text=str).text == "Nine hours."


def test_closed_model_has_no_process(starter: Starter, model: LocalModel) -> None:
    model.complete(ASK, on_text=str)
    model.close()
    assert not starter.started[0].is_running


def test_missing_model_is_named_with_its_cure(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path, llm="qwen2.5-coder-1.5b")
    with pytest.raises(ModelMissing) as caught:
        check_local_model(settings)
    assert caught.value.cure == "fetch it once: omni model pull qwen2.5-coder-1.5b"
    registry = VariantRegistry()
    register_language_models(registry, settings)
    assert "omni model pull qwen2.5-coder-1.5b" in registry.survey(COMPLETE).variants[0].reason


def test_missing_package_is_named_with_its_cure(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path, llm="qwen2.5-coder-1.5b")
    (model,) = (model for model in CATALOG if model.name == settings.llm)
    folder = tmp_path / "models" / model.fingerprint.replace("/", "-")
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text("{}")
    assert check_local_model(settings, is_engine_installed=lambda: True) == folder / GGUF
    with pytest.raises(ConfigurationError, match="needs the package xllamacpp") as caught:
        check_local_model(settings, is_engine_installed=lambda: False)
    assert caught.value.cure == "pip install 'omni-pipelines[llm]'"


def test_embedder_is_no_language_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="language model 'all-minilm-l6-v2' is unknown") as caught:
        check_local_model(Settings(cache=tmp_path, llm="all-minilm-l6-v2"))
    assert "qwen2.5-coder-1.5b" in caught.value.cure


def test_model_on_this_machine_is_preferred_to_a_server(tmp_path: Path) -> None:
    registry = VariantRegistry()
    settings = Settings(cache=tmp_path, llm="qwen2.5-coder-1.5b", llm_url="http://127.0.0.1:8080/v1")
    register_language_models(registry, settings)
    assert [(each.name, each.priority) for each in registry.list_variants(COMPLETE)] == [("local", 0), ("openai", 11)]
