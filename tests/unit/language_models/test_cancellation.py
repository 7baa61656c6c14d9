"""A request to a language model that nobody waits for any more: it ends, and the server is told by the connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from omni_pipelines.language_models.local_model import LocalModel
from omni_pipelines.language_models.openai_http import ModelLimits, OpenAIModel
from omni_pipelines.language_models.port import COMPLETE, Message, complete
from omni_pipelines.threads import CallCancelled, Cancellation, start_daemon
from omni_pipelines.variant_registry import VariantRegistry

ASK = [Message("user", "How long do otters sleep?")]
BEGINNING = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ndata: {"choices": [{"delta": {"content": "Nine"}}]}\n\n'
PATIENCE = 20.0


class SilentServer:
    """Takes one request, sends `beginning`, and then nothing; it notices when the client leaves."""

    key, is_running = "", True

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked, self.left = threading.Event(), threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _ = self._socket.accept()
        with client:
            client.recv(65_536)
            client.sendall(self._beginning)
            self.asked.set()
            while client.recv(65_536):
                pass
            self.left.set()

    def close(self) -> None:
        self.is_running = False
        self._socket.close()


@pytest.fixture(params=[b"", BEGINNING], ids=["before_the_reply", "in_the_middle_of_a_stream"])
def server(request: pytest.FixtureRequest) -> Iterator[SilentServer]:
    server = SilentServer(request.param)
    yield server
    server.close()


def test_cancelled_request_ends_and_its_server_is_left(server: SilentServer) -> None:
    models = VariantRegistry()
    limits = ModelLimits(seconds=10 * PATIENCE)
    models.register(COMPLETE, OpenAIModel(f"{server.address}/v1", "", SecretStr(""), limits=limits))
    models.register_factory(COMPLETE, "next", lambda: pytest.fail("a cancelled call is not given to the next model"))
    cancellation = Cancellation()
    with cancellation.applied():
        asking = start_daemon(lambda: complete(models, ASK, on_text=str), "test")
    assert server.asked.wait(PATIENCE)
    cancellation.set()
    assert isinstance(asking.exception(PATIENCE), CallCancelled)
    assert server.left.wait(PATIENCE)


def test_cancelled_request_ends_the_process_of_a_model_on_this_machine(server: SilentServer) -> None:
    limits = ModelLimits(seconds=10 * PATIENCE)
    model = LocalModel(Path("model.gguf"), 2, limits, start=lambda *_: server)
    cancellation = Cancellation()
    with cancellation.applied():
        asking = start_daemon(lambda: model.complete(ASK), "test")
    assert server.asked.wait(PATIENCE)
    cancellation.set()
    assert isinstance(asking.exception(PATIENCE), CallCancelled)
    assert not server.is_running
