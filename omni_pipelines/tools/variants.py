"""A tool with several implementations: the preferred one, and those that stand in where it cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from omni_pipelines.error_codes import ErrorCategory, category_of
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.executors import CommandExecutor
from omni_pipelines.providers import PREFERRED, EngineVariant, VariantRegistry, VariantsFailed
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolDefinition, ToolVariant

OWN = "default"
"""The variant that is the tool's own function."""
_UNUSABLE = {"3003", "3006"}
"""A timeout, and something that is not installed: another variant may do. Any other error is the tool's answer."""
_UNREACHABLE = {ErrorCategory.NETWORK, ErrorCategory.EXTERNAL}


class ToolVariants:
    """The implementations of tools that have more than one."""

    def __init__(self, registry: VariantRegistry | None = None) -> None:
        self._registry = registry or VariantRegistry()

    def add(
        self, tool: ToolDefinition, own: Callable[..., Any], variant: ToolVariant, function: Callable[..., Any]
    ) -> ToolDefinition:
        """The definition with one more variant.

        Raises:
            ConfigurationError: the tool may not be run a second time after a failure, or the name is taken.
        """
        if not (tool.annotations.read_only_hint or tool.annotations.idempotent_hint):
            raise ConfigurationError(
                f"tool {tool.name} may change something, so nothing can stand in for it half-way",
                cure="mark it read_only or idempotent, if it is",
            )
        if variant.name in (OWN, *(each.name for each in tool.variants)):
            raise ConfigurationError(f"{tool.name} has a variant {variant.name} already", cure="name it differently")
        known = tool.variants or (ToolVariant(name=OWN, priority=PREFERRED),)
        if not tool.variants:
            self._registry.register(tool.name, EngineVariant(OWN, own, priority=PREFERRED))
        capabilities = variant.capabilities
        engine = EngineVariant(variant.name, function, priority=variant.priority, capabilities=capabilities)
        self._registry.register(tool.name, engine)
        return tool.model_copy(update={"variants": (*known, variant), "default_variant": OWN})

    def run(self, tool: str, values: Mapping[str, Any]) -> ToolResponse:
        """The answer of the best variant that can be used; the metadata name it and those tried before."""
        try:
            done = self._registry.call(tool, lambda variant: _answered(variant.engine, values))
            response, variant, attempts = done.value, done.variant, done.attempts
        except VariantsFailed as failed:
            last = failed.last
            response = last.response if isinstance(last, _Unusable) else ToolResponse.from_exception(failed)
            variant, attempts = "", failed.attempts
        told = [{"variant": each.variant, "error_code": each.error_code, "reason": each.reason} for each in attempts]
        return response.model_copy(update={"metadata": {**response.metadata, "variant": variant, "tried": told}})


class _Unusable(OmniError):
    """A variant cannot be used here and now; its response says why."""

    def __init__(self, response: ToolResponse) -> None:
        super().__init__(response.error_message or "it cannot be used")
        self.code = str(response.error_code)
        self.response = response


def _answered(function: Callable[..., Any], values: Mapping[str, Any]) -> ToolResponse:
    response = CommandExecutor().execute(function, **values)
    code = str(response.error_code or "")
    if response.is_error and (code in _UNUSABLE or category_of(code) in _UNREACHABLE):
        raise _Unusable(response)
    return response
