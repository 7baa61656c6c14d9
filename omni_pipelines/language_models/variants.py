"""Which language models there are: none, until the user names an address."""

from __future__ import annotations

from omni_pipelines.configuration import language_model_key
from omni_pipelines.language_models.openai_http import OpenAIModel
from omni_pipelines.language_models.port import COMPLETE
from omni_pipelines.providers import Health, VariantProvider, VariantRegistry, VariantStatus
from omni_pipelines.settings import Settings


def register_language_models(registry: VariantRegistry, settings: Settings) -> None:
    """The model at `settings.llm_url`; unavailable while none is set.

    Raises:
        ConfigurationError: the address or the key cannot be used.
    """
    if not settings.llm_url:
        registry.register(COMPLETE, _NoModel())
        return
    key = language_model_key(settings)
    registry.register(COMPLETE, OpenAIModel(settings.llm_url, settings.llm_model, key, seconds=settings.llm_seconds))


class _NoModel(VariantProvider):
    name = "openai"

    def health_check(self) -> Health:
        return Health(VariantStatus.UNAVAILABLE, "llm_url is not set: answers are in the sources' own words")
