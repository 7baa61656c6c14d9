"""Language models behind an OpenAI-compatible address: llama.cpp, vLLM, Ollama, or a service on the internet.

The key is sent in one header, only to the address that the user set. Redirects are not followed, and the key is
removed from everything the server says before it reaches a message.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_result

from omni_pipelines.errors import (
    ConfigurationError,
    LanguageModelFailed,
    NetworkBadResponse,
    NetworkBlocked,
    NetworkTimeout,
    OmniError,
)
from omni_pipelines.language_models.http_exchange import MAX_REPLY_BYTES, HttpReply, exchange, is_loopback
from omni_pipelines.language_models.port import MAX_TOKENS, Message, ModelTool, OnText, Turn
from omni_pipelines.language_models.streams import StreamedTurn, read_turn
from omni_pipelines.language_models.tool_calls import as_body, message_body, read_calls
from omni_pipelines.language_models.tool_steps import read_step, step_schema, told_plainly
from omni_pipelines.providers import BACKUP, VariantHealth, VariantProvider, VariantStatus
from omni_pipelines.threads import pause

_BUSY = {408, 429, 500, 502, 503, 504}
_UNKNOWN_FIELD = {400, 422}
_MAX_QUOTE_LENGTH = 200


@dataclass(frozen=True)
class ModelLimits:
    """Limits of the calls to a language model."""

    seconds: float = 60.0
    """For a completion with all its attempts."""
    attempts: int = 3
    first_wait_seconds: float = 0.5
    """Before the second attempt; doubled before each further one, and varied so that callers spread out."""
    max_wait_seconds: float = 8.0
    """A server that asks for a longer wait is not tried again."""
    health_seconds: float = 5.0
    max_reply_bytes: int = MAX_REPLY_BYTES


class OpenAIModel(VariantProvider):
    """A model behind an OpenAI-compatible address. Safe to use from several threads.

    Raises:
        ConfigurationError: the address or the key cannot be used.
    """

    name = "openai"
    priority = BACKUP

    def __init__(
        self,
        url: str,
        model: str,
        key: SecretStr,
        *,
        limits: ModelLimits = ModelLimits(),
        sleep: Callable[[float], None] = pause,
    ) -> None:
        _check(url, key)
        self._url, self._model, self._key = url.rstrip("/"), model, key
        self._limits, self._sleep = limits, sleep
        self._takes_schemas = self._takes_tools = True

    def health_check(self) -> VariantHealth:
        """Request the list of models, which costs nothing."""
        reply = self._exchange("models", None, min(self._limits.health_seconds, self._limits.seconds))
        if reply.status in _BUSY:
            return VariantHealth(VariantStatus.DEGRADED, f"{self._host} answers with status {reply.status}")
        if reply.status in (401, 403):
            raise self._refusal(reply)
        return VariantHealth()  # a server without that list may still have a model

    def complete(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, object] | None = None,
        max_tokens: int = MAX_TOKENS,
        on_text: OnText | None = None,
        tools: Sequence[ModelTool] = (),
    ) -> Turn:
        """The model's next turn; with `on_text`, the server is asked to send it while it writes.

        A server that knows no tools is asked for each step as JSON.

        Raises:
            NetworkUnreachable, NetworkTimeout, NetworkBadResponse: it may work in a moment.
            NetworkBlocked: the server redirects to another address.
            LanguageModelFailed: the server refused, or the answer is empty or cut off.
        """
        deadline = time.monotonic() + self._limits.seconds
        if tools and self._takes_tools:
            body = {**self._body(messages, max_tokens), **as_body(tools)}
            reply = self._post(body, deadline, None)
            if reply.status not in _UNKNOWN_FIELD:
                return self._turn(reply, max_tokens, tools)
            self._takes_tools = False
        if tools:
            plain = told_plainly(messages, tools)
            return read_step(self._text(plain, step_schema(tools), max_tokens, None, deadline))
        return self._text(messages, schema, max_tokens, on_text, deadline)

    def _text(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, object] | None,
        max_tokens: int,
        on_text: OnText | None,
        deadline: float,
    ) -> Turn:
        body = self._body(messages, max_tokens)
        if on_text is not None:
            body["stream"] = True
        if schema is not None and self._takes_schemas:
            wanted = {"name": "answer", "strict": True, "schema": dict(schema)}
            with_schema = {**body, "response_format": {"type": "json_schema", "json_schema": wanted}}
            reply = self._post(with_schema, deadline, on_text)
            if reply.status not in _UNKNOWN_FIELD:
                return self._turn(reply, max_tokens)
        turn = self._turn(self._post(body, deadline, on_text), max_tokens)
        if schema is not None:
            self._takes_schemas = False  # the server supports no schemas; the prompt asks for JSON as well
        return turn

    def _body(self, messages: Sequence[Message], max_tokens: int) -> dict[str, object]:
        body: dict[str, object] = {
            "messages": [message_body(message) for message in messages],
            "temperature": 0,
            "max_tokens": max_tokens,
        }
        return {**body, "model": self._model} if self._model else body

    def _post(self, body: Mapping[str, object], deadline: float, on_text: OnText | None) -> HttpReply:
        """The reply to a completion request; retried while the server is busy and the deadline allows it."""

        def post() -> HttpReply:
            left = deadline - time.monotonic()
            if left <= 0:
                message = f"{self._host} did not answer in {self._limits.seconds:g} s"
                raise NetworkTimeout(message, cure="raise llm_seconds")
            return self._exchange("chat/completions", orjson.dumps(body), left, on_text)

        def is_last_attempt(state: RetryCallState) -> bool:
            longest_wait = min(self._limits.max_wait_seconds, deadline - time.monotonic())
            return state.attempt_number >= self._limits.attempts or state.upcoming_sleep > longest_wait

        retrying = Retrying(
            retry=retry_if_result(lambda reply: reply.status in _BUSY),
            stop=is_last_attempt,
            wait=self._wait,
            sleep=self._sleep,
            retry_error_callback=_reply_of,
        )
        reply = retrying(post)
        if reply.status in _BUSY:
            message = f"{self._host} is busy or has failed (status {reply.status}): {self._quoted(reply)}"
            raise NetworkBadResponse(message, cure="try again in a moment")
        return reply

    def _wait(self, state: RetryCallState) -> float:
        """Seconds before the next attempt: as the server asks, else growing and varied."""
        retry_after = _reply_of(state).retry_after
        if retry_after is not None:
            return retry_after
        return self._limits.first_wait_seconds * 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.0)

    def _exchange(self, path: str, body: bytes | None, seconds: float, on_text: OnText | None = None) -> HttpReply:
        key = self._key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        on_part = StreamedTurn(on_text).receive if on_text is not None else None
        max_bytes = self._limits.max_reply_bytes
        return exchange(f"{self._url}/{path}", body, headers, seconds, max_bytes=max_bytes, on_part=on_part)

    def _turn(self, reply: HttpReply, max_tokens: int, tools: Sequence[ModelTool] = ()) -> Turn:
        if reply.status != 200:
            raise self._refusal(reply)
        try:
            read = read_turn(reply.body)
            calls = read_calls(read.calls, tools)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise NetworkBadResponse(
                f"{self._host} did not answer like a chat model: {self._quoted(reply)}",
                cure="check llm_url; it usually ends in /v1",
            ) from error
        if read.finish_reason == "length":
            raise LanguageModelFailed(f"the model did not finish within {max_tokens} tokens", cure="ask for less")
        text = read.content if isinstance(read.content, str) else ""
        if not text.strip() and not calls:
            raise LanguageModelFailed(f"the model at {self._host} gave an empty answer", cure="try another llm_model")
        return Turn(text, calls, read.usage)

    def _refusal(self, reply: HttpReply) -> OmniError:
        if 300 <= reply.status < 400:
            return NetworkBlocked(f"{self._host} redirects elsewhere", cure="set llm_url to the new address")
        message = f"{self._host} refused (status {reply.status}): {self._quoted(reply)}"
        if reply.status in (401, 403):
            return LanguageModelFailed(message, cure="check OMNI_LLM_KEY")
        return LanguageModelFailed(message, cure="check llm_url and llm_model")

    def _quoted(self, reply: HttpReply) -> str:
        """The beginning of the reply: one line, printable, without the key."""
        text = reply.body.decode("utf-8", "replace")
        key = self._key.get_secret_value()
        if key:
            text = text.replace(key, "[key]")
        line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        return line[:_MAX_QUOTE_LENGTH] or "(no text)"

    @property
    def _host(self) -> str:
        return urlsplit(self._url).netloc


def _reply_of(state: RetryCallState) -> HttpReply:
    assert state.outcome is not None
    reply: HttpReply = state.outcome.result()
    return reply


def _check(url: str, key: SecretStr) -> None:
    example = "write it as http://127.0.0.1:8080/v1"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError("llm_url is not an address", cure=example) from error
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("llm_url contains a name or a password", cure="put the key into OMNI_LLM_KEY")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or not _plain(url):
        raise ConfigurationError(f"llm_url {url!r} is not the address of a server", cure=example)
    secret = key.get_secret_value()
    if not _plain(secret):
        raise ConfigurationError("OMNI_LLM_KEY contains characters that no key has", cure="set it again")
    if secret and parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"the key would go to {host} unencrypted", cure="use https, or unset OMNI_LLM_KEY")


def _plain(text: str) -> bool:
    return all("!" <= letter <= "~" for letter in text)
