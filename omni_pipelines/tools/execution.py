"""Carrying out a checked call: kept answers, and further attempts where the definition allows them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolDefinition, ToolExecution

FIRST_PAUSE = 0.1
"""Seconds before the second attempt; each further pause is twice as long."""
MAX_KEPT = 256
"""Answers kept, over all tools; the oldest go first."""


class Execution:
    """Runs calls by the rules of their definitions. Safe to share between threads."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._kept: dict[str, tuple[float, ToolResponse]] = {}
        self._lock = threading.Lock()

    def run(self, tool: ToolDefinition, arguments: dict[str, Any], call: Callable[[], ToolResponse]) -> ToolResponse:
        """The answer of `call`, or one that is still fresh; its metadata say the tool, attempts and whether kept."""
        if not tool.execution.cache_ttl:
            return _told(self._tried(tool.execution, call), tool=tool.name)
        key = json.dumps([tool.name, tool.version, arguments], sort_keys=True)
        kept = self._fresh(key)
        if kept is not None:
            return _told(kept, cached=True)
        response = _told(self._tried(tool.execution, call), tool=tool.name, cached=False)
        if response.is_success:
            self._keep(key, tool.execution.cache_ttl, response)
        return response

    def _tried(self, rules: ToolExecution, call: Callable[[], ToolResponse]) -> ToolResponse:
        for attempt in range(1, rules.max_attempts + 1):
            response = call()
            if attempt == rules.max_attempts or not _worth_another(rules, response):
                break
            self._sleep(FIRST_PAUSE * 2 ** (attempt - 1))
        return _told(response, attempts=attempt)

    def _fresh(self, key: str) -> ToolResponse | None:
        with self._lock:
            until, response = self._kept.get(key, (0.0, None))
            if response is None or self._clock() >= until:
                return None
            return response.model_copy(deep=True)  # whoever gets it may change it

    def _keep(self, key: str, seconds: float, response: ToolResponse) -> None:
        with self._lock:
            self._kept.pop(key, None)
            while len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = (self._clock() + seconds, response.model_copy(deep=True))


def _worth_another(rules: ToolExecution, response: ToolResponse) -> bool:
    if not response.is_error:
        return False
    return response.error_code in rules.retry_on if rules.retry_on else response.retryable


def _told(response: ToolResponse, **facts: Any) -> ToolResponse:
    return response.model_copy(update={"metadata": {**response.metadata, **facts}})
