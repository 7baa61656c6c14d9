"""`omni providers`."""

from omni_pipelines.cli.command import Rows, command
from omni_pipelines.cli.dependencies import HomeSettings
from omni_pipelines.cli.views.system import CommandProviders, show_providers
from omni_pipelines.language_models.variants import register_language_models
from omni_pipelines.model_store import ModelStore
from omni_pipelines.text.engines import register_embedders
from omni_pipelines.text.readers.registry import register_readers
from omni_pipelines.text.token_counting import register_counters
from omni_pipelines.variant_registry import VariantRegistry


@command(show_providers)
def providers(settings: HomeSettings) -> Rows[CommandProviders]:
    """Try every provider, and show which one is chosen and why."""
    registry = VariantRegistry()
    register_counters(registry, ModelStore(settings.cache), settings.encoding)
    register_embedders(registry, settings)
    register_language_models(registry, settings)
    register_readers(registry)
    return Rows("commands", [CommandProviders(name, registry.survey(name)) for name in registry.list_commands()])
