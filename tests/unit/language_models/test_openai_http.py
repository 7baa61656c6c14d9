"""A language model over HTTP, against a small real server: requests, failures, and the key."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from omni_pipelines.errors import (
    ConfigurationError,
    LanguageModelFailed,
    NetworkBadResponse,
    NetworkBlocked,
    NetworkTimeout,
    NetworkUnreachable,
    OmniError,
)
from omni_pipelines.language_models.openai_http import ModelLimits, OpenAIModel
from omni_pipelines.language_models.port import Message, ModelTool, ToolCall, Usage
from omni_pipelines.providers import VariantStatus
from omni_pipelines.variant_registry import VariantRegistry

KEY = "sk-very-secret-0123456789"
ASK = [Message("user", "How long do otters sleep?")]
Scripted = tuple[int, dict[str, str], bytes]


def says(content: Any, finish: str = "stop") -> Scripted:
    return 200, {}, json.dumps({"choices": [{"message": {"content": content}, "finish_reason": finish}]}).encode()


class Server:
    """Answers from a script, the last line again and again, and remembers what it was asked."""

    def __init__(self) -> None:
        self.script: list[Scripted] = [says("Nine hours.")]
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.hold = threading.Event()
        self.hold.set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def stop(self) -> None:
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append((self.path, dict(self.headers), json.loads(body) if body else None))
                server.hold.wait(20)
                status, headers, content = server.script.pop(0) if len(server.script) > 1 else server.script[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

            def log_message(self, *_: Any) -> None: ...

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def model(server: Server, waits: list[float]) -> OpenAIModel:
    return OpenAIModel(server.url, "otter-1", SecretStr(KEY), limits=ModelLimits(seconds=10), sleep=waits.append)


def model_without_key(server: Server, waits: list[float], seconds: float) -> OpenAIModel:
    return OpenAIModel(server.url, "", SecretStr(""), limits=ModelLimits(seconds=seconds), sleep=waits.append)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- what is sent


def test_request_goes_to_chat_completions_with_the_key_in_a_header(server: Server, model: OpenAIModel) -> None:
    assert model.complete(ASK, max_tokens=7).text == "Nine hours."
    path, headers, body = server.asked[0]
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert body == {
        "model": "otter-1",
        "messages": [{"role": "user", "content": "How long do otters sleep?"}],
        "temperature": 0,
        "max_tokens": 7,
    }


def test_request_without_key_and_model_sends_neither(server: Server) -> None:
    OpenAIModel(f"{server.url}/", "", SecretStr("")).complete(ASK)
    path, headers, body = server.asked[0]
    assert path == "/v1/chat/completions"
    assert ("Authorization" in headers, "model" in body) == (False, False)


def test_request_contains_the_schema(server: Server, model: OpenAIModel) -> None:
    model.complete(ASK, {"type": "object"})
    wanted = server.asked[0][2]["response_format"]
    assert wanted["json_schema"]["schema"] == {"type": "object"}


def test_schema_is_omitted_after_the_server_refused_it(server: Server, model: OpenAIModel) -> None:
    server.script = [(400, {}, b"unknown field response_format"), says("{}")]
    assert [model.complete(ASK, {"type": "object"}).text for _ in range(2)] == ["{}", "{}"]
    assert ["response_format" in body for _, _, body in server.asked] == [True, False, False]


def test_request_to_this_machine_ignores_the_proxy(
    server: Server, model: OpenAIModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    assert model.complete(ASK).text == "Nine hours."


# --- what goes wrong


@pytest.mark.parametrize(
    ("reply", "error", "code", "words"),
    [
        ((401, {}, b"wrong key"), LanguageModelFailed, "7005", "OMNI_LLM_KEY"),
        ((404, {}, b"no such model"), LanguageModelFailed, "7005", "no such model"),
        ((422, {}, b"bad request"), LanguageModelFailed, "7005", "status 422"),
        ((302, {"Location": "http://127.0.0.1:9/"}, b""), NetworkBlocked, "6003", "redirects"),
        ((200, {}, b"<html>hello</html>"), NetworkBadResponse, "6004", "<html>hello"),
        ((200, {}, b'{"choices": []}'), NetworkBadResponse, "6004", "ends in /v1"),
        ((200, {}, b"[]"), NetworkBadResponse, "6004", "ends in /v1"),
        ((200, {"Content-Length": "999"}, b'{"choices'), NetworkBadResponse, "6004", ""),
        ((503, {}, b"loading"), NetworkBadResponse, "6004", "status 503"),
        ((429, {"Retry-After": "3600"}, b"slow down"), NetworkBadResponse, "6004", "slow down"),
        (says(""), LanguageModelFailed, "7005", "gave an empty answer"),
        (says(None), LanguageModelFailed, "7005", "gave an empty answer"),
        (says("{", "length"), LanguageModelFailed, "7005", "did not finish"),
    ],
    ids=lambda each: "" if not isinstance(each, tuple) else str(each[0]),
)
def test_failed_request_raises_an_error_with_code_reason_and_cure(
    server: Server, model: OpenAIModel, reply: Scripted, error: type[OmniError], code: str, words: str
) -> None:
    server.script = [reply]
    with pytest.raises(error) as caught:
        model.complete(ASK)
    assert getattr(caught.value, "code", "") == code
    assert words in str(caught.value)
    assert caught.value.cure


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_busy_server_is_retried_twice_after_growing_waits(
    server: Server, model: OpenAIModel, waits: list[float], status: int
) -> None:
    server.script = [(status, {}, b""), (status, {}, b""), says("At last.")]
    assert model.complete(ASK).text == "At last."
    assert (0.25 <= waits[0] <= 0.5, 0.5 <= waits[1] <= 1.0, len(server.asked)) == (True, True, 3)


def test_retry_waits_as_long_as_the_server_asks(server: Server, model: OpenAIModel, waits: list[float]) -> None:
    server.script = [(429, {"Retry-After": "3"}, b""), says("At last.")]
    model.complete(ASK)
    assert waits == [3.0]


def test_refused_request_is_not_retried(server: Server, model: OpenAIModel) -> None:
    server.script = [(401, {}, b"")]
    with pytest.raises(LanguageModelFailed):
        model.complete(ASK)
    assert len(server.asked) == 1


def test_retry_is_skipped_when_its_wait_exceeds_the_time_limit(server: Server, waits: list[float]) -> None:
    server.script = [(429, {"Retry-After": "5"}, b"")]
    with pytest.raises(NetworkBadResponse):
        model_without_key(server, waits, seconds=4).complete(ASK)
    assert waits == []


def test_retry_is_skipped_when_the_server_asks_for_a_long_wait(server: Server, waits: list[float]) -> None:
    server.script = [(429, {"Retry-After": "9"}, b"")]
    with pytest.raises(NetworkBadResponse):
        model_without_key(server, waits, seconds=60).complete(ASK)
    assert waits == []


def test_silent_server_raises_a_timeout(server: Server) -> None:
    server.hold.clear()
    with pytest.raises(NetworkTimeout, match="did not answer") as caught:
        model_without_key(server, [], seconds=0.2).complete(ASK)
    assert (caught.value.exit_code, getattr(caught.value, "code", "")) == (3, "6002")


def test_closed_port_raises_network_unreachable() -> None:
    with pytest.raises(NetworkUnreachable, match="nobody answers at 127") as caught:
        OpenAIModel(f"http://127.0.0.1:{closed_port()}/v1", "", SecretStr("")).complete(ASK)
    assert (caught.value.exit_code, getattr(caught.value, "code", "")) == (3, "6001")


def test_a_reply_above_the_size_limit_is_refused(server: Server) -> None:
    server.script = [says("word " * 1_000)]
    model = OpenAIModel(server.url, "", SecretStr(""), limits=ModelLimits(max_reply_bytes=1_000))
    with pytest.raises(NetworkBadResponse, match="longer than 1,000 bytes"):
        model.complete(ASK)


def test_compressed_reply_is_not_expanded(server: Server, model: OpenAIModel) -> None:
    server.script = [(200, {"Content-Encoding": "gzip"}, gzip.compress(says("Nine hours.")[2]))]
    with pytest.raises(NetworkBadResponse, match="did not answer like a chat model"):
        model.complete(ASK)
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


# --- the key


@pytest.mark.parametrize("before", [0, 190], ids=["early", "where the quote of the answer ends"])
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_key_is_in_no_error_and_no_log_when_the_server_repeats_it(
    server: Server, model: OpenAIModel, caplog: pytest.LogCaptureFixture, status: int, before: int
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script = [(status, {}, f"{'x' * before} {KEY} is what you sent".encode())]
    with pytest.raises(OmniError) as caught:
        model.complete(ASK)
    seen = "".join(map(str, (caught.value, caught.value.__cause__, vars(model), vars(caught.value), caplog.text)))
    assert KEY[:5] not in seen
    assert "what you sent" in seen or before


@pytest.mark.parametrize(
    ("url", "key", "words"),
    [
        ("ftp://127.0.0.1/v1", "", "not the address of a server"),
        ("127.0.0.1:8080", "", "not the address of a server"),
        ("http:///v1", "", "not the address of a server"),
        ("http://127.0.0.1/v1?a=b", "", "not the address of a server"),
        ("http://127.0.0.1/v1\r\nX: y", "", "not the address of a server"),
        ("http://127.0.0.1:99999/v1", "", "not an address"),
        (f"http://user:{KEY}@127.0.0.1/v1", "", "OMNI_LLM_KEY"),
        ("http://127.0.0.1/v1", f"{KEY}\r\nX-Evil: 1", "characters that no key has"),
        ("http://models.example/v1", KEY, "unencrypted"),
    ],
)
def test_invalid_address_or_key_is_refused_without_showing_the_key(url: str, key: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        OpenAIModel(url, "", SecretStr(key))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["https://models.example/v1", "http://localhost:1/v1", "http://[::1]:1/v1"])
def test_key_is_accepted_for_this_machine_and_for_https(url: str) -> None:
    assert OpenAIModel(url, "", SecretStr(KEY)).name == "openai"


# --- its health


@pytest.mark.parametrize(
    ("status", "health"),
    [
        (200, VariantStatus.AVAILABLE),
        (404, VariantStatus.AVAILABLE),
        (503, VariantStatus.DEGRADED),
        (401, VariantStatus.UNAVAILABLE),
    ],
)
def test_health_check_requests_the_list_of_models(
    server: Server, model: OpenAIModel, status: int, health: VariantStatus
) -> None:
    server.script = [(status, {}, b"")]
    registry = VariantRegistry()
    registry.register("complete", model)
    (info,) = registry.list_variants("complete")
    assert info.status is health
    assert [path for path, _, _ in server.asked] == ["/v1/models"]


# --- tools and counts

SEARCH = ModelTool("knowledge.search", "Find passages.", {"type": "object", "properties": {"query": {}}})
CALL = ToolCall("c1", "knowledge.search", {"query": "otters"})


def calls(name: str, arguments: str) -> Scripted:
    function = {"name": name, "arguments": arguments}
    message = {"content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
    usage = {"prompt_tokens": 12, "completion_tokens": 3}
    document = {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": usage}
    return 200, {}, json.dumps(document).encode()


def test_call_of_a_tool_is_read_with_the_name_that_was_offered(server: Server, model: OpenAIModel) -> None:
    server.script = [calls("knowledge__search", '{"query": "otters"}')]
    turn = model.complete(ASK, tools=[SEARCH])
    assert (turn.calls, turn.usage) == ((CALL,), Usage(12, 3))
    assert server.asked[0][2]["tools"][0]["function"]["name"] == "knowledge__search"


def test_call_and_result_are_sent_as_a_pair(server: Server, model: OpenAIModel) -> None:
    talk = [*ASK, Message("assistant", "", (CALL,)), Message("tool", "[1] Otters sleep.", call_id="c1")]
    model.complete(talk, tools=[SEARCH])
    _, said, result = server.asked[0][2]["messages"]
    assert said["tool_calls"][0]["id"] == result["tool_call_id"] == "c1"


@pytest.mark.parametrize("arguments", ["{", "[]", "7"])
def test_call_with_unreadable_arguments_is_a_bad_response(server: Server, model: OpenAIModel, arguments: str) -> None:
    server.script = [calls("knowledge__search", arguments)]
    with pytest.raises(NetworkBadResponse):
        model.complete(ASK, tools=[SEARCH])


def test_server_without_tools_is_asked_for_a_step_as_json(server: Server, model: OpenAIModel) -> None:
    step = json.dumps({"tool": "knowledge.search", "arguments": {"query": "otters"}})
    server.script = [(400, {}, b"tools are unknown"), says(step), says('{"answer": "Nine hours."}')]
    assert model.complete(ASK, tools=[SEARCH]).calls[0].arguments == {"query": "otters"}
    assert model.complete(ASK, tools=[SEARCH]).text == "Nine hours."
    assert [("tools" in body, "response_format" in body) for _, _, body in server.asked] == [
        (True, False),
        (False, True),
        (False, True),
    ]
