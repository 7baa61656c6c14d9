"""Register the available language models: none, unless the user sets an address."""

from omni_pipelines.configuration import language_model_key
from omni_pipelines.language_models.port import COMPLETE
from omni_pipelines.providers import VariantHealth, VariantProvider, VariantStatus
from omni_pipelines.settings import Settings
from omni_pipelines.variant_registry import VariantRegistry


def register_language_models(registry: VariantRegistry, settings: Settings) -> None:
    """Register the model at `settings.llm_url`, or an unavailable one if none is set.

    Raises:
        ConfigurationError: the address or the key cannot be used.
    """
    if not settings.llm_url:
        registry.register(COMPLETE, _NoModel())
        return
    from omni_pipelines.language_models.openai_http import ModelLimits, OpenAIModel  # not loaded without a model

    key, limits = language_model_key(settings), ModelLimits(seconds=settings.llm_seconds)
    registry.register(COMPLETE, OpenAIModel(settings.llm_url, settings.llm_model, key, limits=limits))


class _NoModel(VariantProvider):
    name = "openai"

    def health_check(self) -> VariantHealth:
        return VariantHealth(VariantStatus.UNAVAILABLE, "llm_url is not set, so answers quote the sources")
