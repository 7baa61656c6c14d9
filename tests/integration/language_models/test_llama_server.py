"""The real engine for language models, in its own process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from native.errors import EngineError
from native.llama_server import LlamaServer, installed
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.language_models.local_model import LocalModel
from omni_pipelines.language_models.openai_http import ModelLimits
from omni_pipelines.language_models.port import Message
from omni_pipelines.model_store import ModelStore

pytestmark = [
    pytest.mark.skipif(not installed(), reason="the package xllamacpp is not installed"),
    pytest.mark.timeout(900),  # a busy machine computes a few tokens a second
]


@pytest.mark.parametrize("content", [None, b"", b"GGUF and nothing else"], ids=["no file", "empty", "damaged"])
def test_model_that_cannot_be_loaded_is_an_error_with_a_cure(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "model.gguf"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EngineError, match="cannot be loaded") as caught:
        LlamaServer(file, 1, 64)
    assert caught.value.cure == "run: omni model verify"


@pytest.fixture(scope="module")
def model_file() -> Path:
    store = ModelStore(load_settings(find_home()).cache)
    for name in ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"):
        try:
            return store.language_model_file(name)
        except ModelMissing as error:
            reason = error.cure
    pytest.skip(f"no language model is installed; {reason}")


def test_model_answers_in_the_form_of_a_schema(model_file: Path) -> None:
    model = LocalModel(model_file, 2, ModelLimits(seconds=800))
    schema = {"type": "object", "properties": {"answer": {"enum": ["yes", "no"]}}, "required": ["answer"]}
    heard: list[str] = []
    said = model.complete([Message("user", "Is ice cold? Answer in JSON.")], schema, 20, heard.append).text
    model.close()
    assert json.loads(said)["answer"] in ("yes", "no")
    assert heard[-1] == said


PROGRAM = """
import signal, sys
from pathlib import Path
from native.llama_server import LlamaServer
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its background jobs ignore it
server = LlamaServer(Path(sys.argv[1]), 1, 64)
print(server._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGINT])
def test_process_of_the_model_ends_with_its_parent(model_file: Path, with_signal: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(model_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(with_signal)
    parent.wait(60)
    for _ in range(600):
        if has_ended(pid):
            return
        time.sleep(0.05)
    pytest.fail("the process of the model goes on")


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or only its exit code is left."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
