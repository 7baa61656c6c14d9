"""A language model on this machine: it is loaded by the first question, and kept for the next ones."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from native.llama_server import LlamaServer
from omni_pipelines.errors import NetworkBadResponse, NetworkUnreachable
from omni_pipelines.language_models.openai_http import ModelLimits, OpenAIModel
from omni_pipelines.language_models.port import MAX_TOKENS, Message, ModelTool, OnText, Turn
from omni_pipelines.language_models.tool_steps import read_step, step_schema, told_plainly
from omni_pipelines.providers import PREFERRED, VariantHealth, VariantProvider

CONTEXT_TOKENS = 2048
"""Of a prompt and its answer together; they need 60 MB."""


class ModelServer(Protocol):
    """A server that runs for one model."""

    address: str
    key: str

    @property
    def is_running(self) -> bool:
        """Whether it still answers."""

    def close(self) -> None:
        """End it at once."""


StartServer = Callable[[Path, int, int], ModelServer]
"""A model file, threads and tokens of context to a running server."""


class LocalModel(VariantProvider):
    """A model file of this machine. Safe to use from several threads.

    Args:
        file: the model, in the GGUF format.
        threads: threads that compute.
        limits: as for a model elsewhere; loading does not count.
        context: tokens of a prompt and its answer together.
        start: starts the server.
    """

    name = "local"
    priority = PREFERRED

    def __init__(
        self,
        file: Path,
        threads: int,
        limits: ModelLimits,
        context: int = CONTEXT_TOKENS,
        *,
        start: StartServer = LlamaServer,
    ) -> None:
        self._file, self._threads, self._limits, self._start = file, threads, limits, start
        self._context = context
        self._server: ModelServer | None = None
        self._lock = threading.Lock()

    def health_check(self) -> VariantHealth:
        """Available: what it needs is there. The model is not loaded for this."""
        return VariantHealth()

    def complete(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, object] | None = None,
        max_tokens: int = MAX_TOKENS,
        on_text: OnText | None = None,
        tools: Sequence[ModelTool] = (),
    ) -> Turn:
        """The model's next turn; a call of a tool is one step as JSON, since small models cannot call natively.

        Raises:
            EngineError: the model cannot be loaded.
            NetworkTimeout, NetworkBadResponse, LanguageModelFailed: as for a model elsewhere.
        """
        server = self._running()
        model = OpenAIModel(f"{server.address}/v1", "", SecretStr(server.key), limits=self._limits)
        try:
            return _ask(model, messages, schema, max_tokens, on_text, tools)
        except (NetworkUnreachable, NetworkBadResponse, KeyboardInterrupt):
            self.close()  # it stops to compute; the next question starts it again
            raise

    def close(self) -> None:
        """End the server, if it runs."""
        with self._lock:
            if self._server is not None:
                self._server.close()
            self._server = None

    def _running(self) -> ModelServer:
        with self._lock:
            if self._server is None or not self._server.is_running:
                self._server = self._start(self._file, self._threads, self._context)
            return self._server


def _ask(
    model: OpenAIModel,
    messages: Sequence[Message],
    schema: Mapping[str, object] | None,
    max_tokens: int,
    on_text: OnText | None,
    tools: Sequence[ModelTool],
) -> Turn:
    plain = told_plainly(messages, tools)
    if not tools:
        return model.complete(plain, schema, max_tokens, on_text)
    return read_step(model.complete(plain, step_schema(tools), max_tokens))
