"""Any server that speaks OpenAI's chat completions: llama.cpp, vLLM, Ollama, or one on the internet.

Nothing is logged. The key is sent in one header to the one address the user set, follows no redirect, and is taken
out of whatever the server says before anyone sees it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr

from omni_pipelines.errors import (
    ConfigurationError,
    LanguageModelFailed,
    NetworkBadResponse,
    NetworkBlocked,
    NetworkTimeout,
    OmniError,
)
from omni_pipelines.language_models.http_json import Reply, exchange, is_loopback
from omni_pipelines.language_models.port import MAX_TOKENS, Message
from omni_pipelines.providers import BACKUP, VariantHealth, VariantProvider, VariantStatus

TRIES = 3
FIRST_WAIT = 0.5
"""Seconds before the second try, doubled before the third, and varied so that not all callers come back at once."""
MAX_WAIT = 8.0
"""A server that asks for a longer wait is not waited for."""
HEALTH_SECONDS = 5.0
_BUSY = {408, 429, 500, 502, 503, 504}
_UNKNOWN_FIELD = {400, 422}
_MAX_QUOTE_LENGTH = 200


class OpenAIModel(VariantProvider):
    """A model behind an OpenAI-compatible address. Safe to use from several threads.

    Raises:
        ConfigurationError: the address or the key cannot be used.
    """

    priority = BACKUP

    def __init__(
        self,
        url: str,
        model: str,
        key: SecretStr,
        *,
        seconds: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _check(url, key)
        self._url, self._model, self._key = url.rstrip("/"), model, key
        self._seconds, self._sleep, self._clock = seconds, sleep, clock
        self._takes_schemas = True

    @property
    def name(self) -> str:
        """Openai."""
        return "openai"

    def health_check(self) -> VariantHealth:
        """Ask for the list of models, which costs nothing."""
        reply = exchange(f"{self._url}/models", None, self._headers(), min(HEALTH_SECONDS, self._seconds))
        if reply.status in _BUSY:
            return VariantHealth(VariantStatus.DEGRADED, f"{self._host} answers with status {reply.status}")
        if reply.status in (401, 403):
            raise self._refusal(reply)
        return VariantHealth()  # a server without that list may still have a model

    def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None, max_tokens: int = MAX_TOKENS
    ) -> str:
        """The model's next turn.

        Raises:
            NetworkUnreachable, NetworkTimeout, NetworkBadResponse: it may work in a moment.
            NetworkBlocked: the server sends us elsewhere.
            LanguageModelFailed: the server refused, or the answer is empty or cut off.
        """
        body: dict[str, Any] = {
            "messages": [{"role": each.role, "content": each.content} for each in messages],
            "temperature": 0,
            "max_tokens": max_tokens,
        }
        if self._model:
            body["model"] = self._model
        deadline = self._clock() + self._seconds
        if schema is not None and self._takes_schemas:
            wanted = {"name": "answer", "strict": True, "schema": dict(schema)}
            asked = {**body, "response_format": {"type": "json_schema", "json_schema": wanted}}
            reply = self._post(asked, deadline)
            if reply.status not in _UNKNOWN_FIELD:
                return self._content(reply, max_tokens)
        content = self._content(self._post(body, deadline), max_tokens)
        if schema is not None:
            self._takes_schemas = False  # the server knows no schemas; the prompt asks for JSON as well
        return content

    def _post(self, body: Mapping[str, Any], deadline: float) -> Reply:
        """The server's reply to a request; while it is busy, again, a few times and not beyond the deadline."""
        for attempt in range(TRIES):
            left = deadline - self._clock()
            if left <= 0:
                break
            reply = exchange(f"{self._url}/chat/completions", orjson.dumps(body), self._headers(), left)
            if reply.status not in _BUSY:
                return reply
            wait = reply.retry_after
            if wait is None:
                wait = FIRST_WAIT * 2**attempt * random.uniform(0.5, 1.0)
            if attempt == TRIES - 1 or wait > MAX_WAIT or self._clock() + wait >= deadline:
                raise NetworkBadResponse(
                    f"{self._host} is busy or not well (status {reply.status}): {self._quoted(reply)}",
                    cure="try again in a moment",
                )
            self._sleep(wait)
        raise NetworkTimeout(f"{self._host} did not answer in {self._seconds:g} s", cure="raise llm_seconds")

    def _content(self, reply: Reply, max_tokens: int) -> str:
        if reply.status != 200:
            raise self._refusal(reply)
        try:
            choice = orjson.loads(reply.body)["choices"][0]
            content, reason = choice["message"]["content"], choice.get("finish_reason")
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise NetworkBadResponse(
                f"{self._host} does not answer as a chat model does: {self._quoted(reply)}",
                cure="check llm_url; it usually ends in /v1",
            ) from error
        if reason == "length":
            raise LanguageModelFailed(f"the model did not finish within {max_tokens} tokens", cure="ask for less")
        if not isinstance(content, str) or not content.strip():
            raise LanguageModelFailed(f"the model at {self._host} said nothing", cure="try another llm_model")
        return content

    def _refusal(self, reply: Reply) -> OmniError:
        if 300 <= reply.status < 400:
            return NetworkBlocked(
                f"{self._host} redirects, which is not followed", cure="set llm_url to the new place"
            )
        told = f"{self._host} refused (status {reply.status}): {self._quoted(reply)}"
        if reply.status in (401, 403):
            return LanguageModelFailed(told, cure="check OMNI_LLM_KEY")
        return LanguageModelFailed(told, cure="check llm_url and llm_model")

    def _quoted(self, reply: Reply) -> str:
        """The beginning of what the server says, on one line, printable, without the key."""
        text = reply.body.decode("utf-8", "replace")
        key = self._key.get_secret_value()
        if key:
            text = text.replace(key, "[key]")
        line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
        return line[:_MAX_QUOTE_LENGTH] or "(no text)"

    def _headers(self) -> dict[str, str]:
        key = self._key.get_secret_value()
        return {"Authorization": f"Bearer {key}"} if key else {}

    @property
    def _host(self) -> str:
        return urlsplit(self._url).netloc


def _check(url: str, key: SecretStr) -> None:
    example = "write it as http://127.0.0.1:8080/v1"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError("llm_url is not an address", cure=example) from error
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("llm_url holds a name or a password", cure="put the key into OMNI_LLM_KEY")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or not _plain(url):
        raise ConfigurationError(f"llm_url {url!r} is not the address of a server", cure=example)
    secret = key.get_secret_value()
    if not _plain(secret):
        raise ConfigurationError("OMNI_LLM_KEY holds characters that no key has", cure="set it again")
    if secret and parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"the key would go to {host} unencrypted", cure="use https, or unset OMNI_LLM_KEY")


def _plain(text: str) -> bool:
    return all("!" <= each <= "~" for each in text)
