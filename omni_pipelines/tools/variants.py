"""Tools with several implementations: the preferred one, and others that replace it where it cannot be used."""

from collections.abc import Callable

from omni_pipelines.error_codes import ErrorCategory, category_of
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.providers import PREFERRED, EngineVariant, VariantsFailed
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolDefinition, ToolVariant
from omni_pipelines.tools.execution import run_function
from omni_pipelines.variant_registry import VariantRegistry

DEFAULT_VARIANT = "default"
"""The name of the tool's own function among its variants."""
_UNUSABLE = {"3003", "3006"}
"""A timeout, and a missing dependency: another variant may work. Any other error is the answer of the tool."""
_UNREACHABLE = {ErrorCategory.NETWORK, ErrorCategory.EXTERNAL}
ToolFunction = Callable[..., object]


class ToolVariants:
    """The implementations of tools that have more than one."""

    def __init__(self) -> None:
        self._registry = VariantRegistry()

    def add(
        self, tool: ToolDefinition, own: ToolFunction, variant: ToolVariant, function: ToolFunction
    ) -> ToolDefinition:
        """Add a variant; gives the definition that includes it.

        Raises:
            ConfigurationError: the tool is not safe to run again after a failure, or the name is taken.
        """
        if not (tool.annotations.read_only_hint or tool.annotations.idempotent_hint):
            raise ConfigurationError(
                f"tool {tool.name} may change something, so no variant can take over after a failure",
                cure="mark it read_only or idempotent, if it is",
            )
        if variant.name in (DEFAULT_VARIANT, *(known.name for known in tool.variants)):
            raise ConfigurationError(f"{tool.name} already has a variant {variant.name}", cure="choose another name")
        known = tool.variants or (ToolVariant(name=DEFAULT_VARIANT, priority=PREFERRED),)
        if not tool.variants:
            self._registry.register(tool.name, EngineVariant(DEFAULT_VARIANT, own, priority=PREFERRED))
        capabilities = variant.capabilities
        engine = EngineVariant(variant.name, function, priority=variant.priority, capabilities=capabilities)
        self._registry.register(tool.name, engine)
        return tool.model_copy(update={"variants": (*known, variant), "default_variant": DEFAULT_VARIANT})

    def run(self, tool: str, invoke: Callable[[ToolFunction], object]) -> ToolResponse:
        """The answer of the best usable variant, called through `invoke`.

        The metadata name the variant that answered, and those tried before it with their errors.
        """

        def use(variant: EngineVariant[ToolFunction]) -> ToolResponse:
            return _usable(run_function(lambda: invoke(variant.engine)))

        try:
            outcome = self._registry.call(tool, use)
            response, variant, attempts = outcome.value, outcome.variant, outcome.attempts
        except VariantsFailed as failed:
            last = failed.last
            response = last.response if isinstance(last, _Unusable) else ToolResponse.from_exception(failed)
            variant, attempts = "", failed.attempts
        tried = [{"variant": a.variant, "error_code": a.error_code, "reason": a.reason} for a in attempts]
        return response.model_copy(update={"metadata": {**response.metadata, "variant": variant, "tried": tried}})


class _Unusable(OmniError):
    """A variant cannot be used now; its response says why."""

    def __init__(self, response: ToolResponse) -> None:
        super().__init__(response.error_message or "it cannot be used")
        self.code = str(response.error_code)
        self.response = response


def _usable(response: ToolResponse) -> ToolResponse:
    code = str(response.error_code or "")
    if response.is_error and (code in _UNUSABLE or category_of(code) in _UNREACHABLE):
        raise _Unusable(response)
    return response
