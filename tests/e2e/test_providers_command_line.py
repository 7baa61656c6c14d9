"""Providers and language models on the command line: omni providers, and omni ask in each mode."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.command import omni

OMNI = [sys.executable, "-m", "omni_pipelines.cli.main"]
QUESTION = "How do otters sleep?"
LINE = "Otters sleep holding hands, so that none drifts away."


@pytest.fixture(scope="module")
def folder(models: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "otters.md").write_text(f"# Otters\n\n{LINE}\n")
    done = omni("ingest", "otters.md", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def model() -> Iterator[tuple[str, list[str]]]:
    """The address of a model server, and the claims that it makes about the first unit."""
    sentences: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply({"data": []})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            said = {"answerable": bool(sentences), "claims": [{"unit": [1], "text": each} for each in sentences]}
            self.reply({"choices": [{"message": {"content": json.dumps(said)}}]})

        def reply(self, answer: Any) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1", sentences
    server.shutdown()
    server.server_close()
    thread.join()


def test_ask_uses_the_language_model_if_one_is_set(folder: Path, model: tuple[str, list[str]]) -> None:
    address, sentences = model
    sentences[:] = ["Otters hold hands while they sleep."]
    done = omni("ask", QUESTION, "--json", cwd=folder, OMNI_LLM_URL=address, OMNI_LLM_KEY="sk-very-secret")
    answer = json.loads(done.stdout)
    assert (answer["mode"], answer["answer"], answer["note"]) == ("generative", sentences[0], "")
    assert answer["sentences"][0]["citations"][0]["quote"] == LINE
    assert [each["variant"] for each in answer["attempts"]] == ["openai"]
    assert "secret" not in done.stdout + done.stderr


def test_ask_in_extractive_mode_ignores_the_language_model(folder: Path, model: tuple[str, list[str]]) -> None:
    done = omni("ask", QUESTION, "--mode", "extractive", "--json", cwd=folder, OMNI_LLM_URL=model[0])
    answer = json.loads(done.stdout)
    assert (answer["mode"], answer["answer"], answer["attempts"]) == ("extractive", LINE, [])


def test_ask_answers_from_the_sources_and_says_so_if_the_model_is_unreachable(folder: Path) -> None:
    done = omni("ask", QUESTION, "--mode", "generative", cwd=folder, OMNI_LLM_URL="http://127.0.0.1:9/v1")
    assert done.returncode == 0
    assert done.stdout.startswith(f"{LINE} [1]")
    assert "note: no language model answered (openai: nobody answers at 127.0.0.1:9" in done.stderr


def test_ask_abstains_if_the_model_makes_things_up_and_the_evidence_is_weak(
    folder: Path, model: tuple[str, list[str]]
) -> None:
    address, sentences = model
    sentences[:] = ["Otters are afraid of thunder."]
    done = omni("ask", "Are otters afraid of thunder?", cwd=folder, OMNI_LLM_URL=address)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the sources do not answer this" in done.stderr


def test_ask_says_which_model_is_missing_and_how_to_get_it(folder: Path, tmp_path: Path) -> None:
    done = omni("ask", QUESTION, cwd=folder, OMNI_LLM="qwen2.5-coder-7b")
    assert (done.returncode, done.stdout) == (2, "")
    assert "language model 'qwen2.5-coder-7b' is unknown" in done.stderr


def test_ctrl_c_stops_an_answer_that_is_being_written(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        asking = subprocess.Popen(
            [*OMNI, "ask", QUESTION], cwd=folder, env={**os.environ, "OMNI_LLM_URL": address},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        connection, _ = silent.accept()
        with connection:  # the model was asked, and says nothing
            asking.send_signal(signal.SIGINT)
            stdout, stderr = asking.communicate(timeout=100)
    assert (asking.returncode, stdout) == (130, "")
    assert stderr == "omni: interrupted; finished work is kept\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mode", "generative"], "OMNI_LLM_URL"),
        (["--mode", "creative"], "is not one of 'auto', 'extractive', 'generative'"),
    ],
)
def test_ask_refuses_an_impossible_mode_with_the_cure(folder: Path, arguments: list[str], words: str) -> None:
    done = omni("ask", QUESTION, *arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_providers_lists_the_chosen_variants_and_the_reasons(folder: Path) -> None:
    done = omni("providers", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    commands = {each["command"]: each for each in json.loads(done.stdout)["commands"]}
    assert commands.keys() >= {"complete", "count_tokens", "embed", "read_markdown"}
    assert (commands["embed"]["chosen"], commands["complete"]["chosen"]) == ("onnxruntime", "")
    assert commands["complete"]["variants"][0]["reason"].startswith("neither llm nor llm_url is set")
    counters = [(each["name"], each["priority"]) for each in commands["count_tokens"]["variants"]]
    assert sorted(counters) == [("tiktoken", 51), ("toktok", 0)]


def test_providers_prints_a_list_for_people(folder: Path, model: tuple[str, list[str]]) -> None:
    done = omni("providers", cwd=folder, OMNI_LLM_URL=model[0])
    assert done.stdout.startswith("the only provider: complete openai, ")
    assert "count_tokens: " in done.stdout
