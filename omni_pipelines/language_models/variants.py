"""Register the available language models: none, unless the settings name one."""

from collections.abc import Callable
from pathlib import Path

from native.llama_server import installed
from omni_pipelines.configuration import language_model_key
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.language_models.port import COMPLETE
from omni_pipelines.model_store import ModelStore
from omni_pipelines.providers import PREFERRED, VariantHealth, VariantProvider, VariantStatus
from omni_pipelines.settings import Settings
from omni_pipelines.variant_registry import VariantRegistry

MAX_THREADS = 8
"""Of a model on this machine; more of them wait for memory."""


def register_language_models(registry: VariantRegistry, settings: Settings, context: int | None = None) -> None:
    """Register the model `settings.llm` and the one at `settings.llm_url`; an unavailable one if neither is set.

    The model on this machine is preferred; it reads and writes `context` tokens at once, or as many as answers need.

    Raises:
        ConfigurationError: the address or the key cannot be used.
    """
    if settings.llm:
        registry.register_factory(
            COMPLETE,
            "local",
            lambda: _local_model(settings, context),
            priority=PREFERRED,
            probe=lambda: _probe(settings),
        )
    if settings.llm_url:
        from omni_pipelines.language_models.openai_http import ModelLimits, OpenAIModel  # not loaded without a model

        key, limits = language_model_key(settings), ModelLimits(seconds=settings.llm_seconds)
        registry.register(COMPLETE, OpenAIModel(settings.llm_url, settings.llm_model, key, limits=limits))
    if not settings.llm and not settings.llm_url:
        registry.register(COMPLETE, _NoModel())


def check_local_model(settings: Settings, *, is_engine_installed: Callable[[], bool] = installed) -> Path:
    """The file of the model `settings.llm`, if it can run.

    Raises:
        ConfigurationError: the name is unknown, or the package with the engine is not installed.
        ModelMissing: the model is not installed.
    """
    file = ModelStore(settings.cache).language_model_file(settings.llm)
    if not is_engine_installed():
        problem = "a language model on this machine needs the package xllamacpp"
        raise ConfigurationError(problem, cure="pip install 'omni-pipelines[llm]'")
    return file


def _probe(settings: Settings) -> VariantHealth:
    check_local_model(settings)
    return VariantHealth()


def _local_model(settings: Settings, context: int | None) -> VariantProvider:
    from omni_pipelines.language_models.local_model import CONTEXT_TOKENS, LocalModel  # not loaded without a model
    from omni_pipelines.language_models.openai_http import ModelLimits

    limits = ModelLimits(seconds=settings.llm_seconds)
    file, threads = check_local_model(settings), min(settings.workers, MAX_THREADS)
    return LocalModel(file, threads, limits, context or CONTEXT_TOKENS)


class _NoModel(VariantProvider):
    name = "none"

    def health_check(self) -> VariantHealth:
        reason = "neither llm nor llm_url is set, so answers quote the sources"
        return VariantHealth(VariantStatus.UNAVAILABLE, reason)
