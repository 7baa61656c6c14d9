"""Run checked calls: cached answers, retries where the definition allows them, and JSON values in every answer."""

import json
import threading
import time
from collections.abc import Callable, Mapping

from pydantic_core import to_jsonable_python
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential

from omni_pipelines.executors import CommandExecutor
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolDefinition, ToolExecution

FIRST_WAIT_SECONDS = 0.1
"""The wait before the second attempt; it doubles with each further attempt."""
MAX_CACHED = 256
"""Cached answers of all tools together; the oldest are dropped first."""


def run_function(function: Callable[[], object]) -> ToolResponse:
    """Call a function and answer with what it returned, as JSON values, or with the error it raised.

    JSON values, because the caller may be another process or use another language.
    """
    executor = CommandExecutor()
    return executor.execute(_with_json_data, executor.execute(function))


def _with_json_data(response: ToolResponse) -> ToolResponse:
    return response.model_copy(update={"data": to_jsonable_python(response.data)})


class ToolRunner:
    """Runs calls by the rules of their definitions. Safe to share between threads."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._cache: dict[str, tuple[float, ToolResponse]] = {}
        """The time when an answer expires, and the answer, by tool and arguments."""
        self._lock = threading.Lock()

    def run(
        self, tool: ToolDefinition, arguments: Mapping[str, object], call: Callable[[], ToolResponse]
    ) -> ToolResponse:
        """The answer of `call`, or a cached one; its metadata contain `tool`, `attempts` and `cached`."""
        key = _cache_key(tool, arguments) if tool.execution.cache_ttl else None
        if key is None:
            return _with_metadata(self._attempt(tool.execution, call), tool=tool.name)
        cached = self._cached(key)
        if cached is not None:
            return _with_metadata(cached, cached=True)
        response = _with_metadata(self._attempt(tool.execution, call), tool=tool.name, cached=False)
        if response.is_success:
            self._store(key, tool.execution.cache_ttl, response)
        return response

    def _attempt(self, rules: ToolExecution, call: Callable[[], ToolResponse]) -> ToolResponse:
        retrying = Retrying(
            retry=retry_if_result(lambda response: _is_retried(rules, response)),
            stop=stop_after_attempt(rules.max_attempts),
            wait=wait_exponential(multiplier=FIRST_WAIT_SECONDS),
            sleep=self._sleep,
            retry_error_callback=_last_response,
        )
        response = retrying(call)
        return _with_metadata(response, attempts=retrying.statistics["attempt_number"])

    def _cached(self, key: str) -> ToolResponse | None:
        with self._lock:
            expires, response = self._cache.get(key, (0.0, None))
            if response is None or self._clock() >= expires:
                return None
            return response.model_copy(deep=True)  # the caller may change its answer

    def _store(self, key: str, seconds: float, response: ToolResponse) -> None:
        with self._lock:
            self._cache.pop(key, None)
            while len(self._cache) >= MAX_CACHED:
                del self._cache[next(iter(self._cache))]
            self._cache[key] = (self._clock() + seconds, response.model_copy(deep=True))


def _cache_key(tool: ToolDefinition, arguments: Mapping[str, object]) -> str | None:
    """None if Python objects that are not JSON were passed: their answers are not cached."""
    try:
        return json.dumps([tool.name, tool.version, dict(arguments)], sort_keys=True)
    except (TypeError, ValueError):
        return None


def _is_retried(rules: ToolExecution, response: ToolResponse) -> bool:
    if not response.is_error:
        return False
    return response.error_code in rules.retry_on if rules.retry_on else response.retryable


def _last_response(state: RetryCallState) -> ToolResponse:
    assert state.outcome is not None
    response: ToolResponse = state.outcome.result()
    return response


def _with_metadata(response: ToolResponse, **facts: object) -> ToolResponse:
    return response.model_copy(update={"metadata": {**response.metadata, **facts}})
