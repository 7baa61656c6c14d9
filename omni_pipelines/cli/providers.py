"""The command that shows the variants of every command, and which one is chosen."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import say, say_json

if TYPE_CHECKING:
    from omni_pipelines.variant_registry import VariantRegistry


def add_to(app: typer.Typer) -> None:
    """Put the command under `omni`."""
    app.command()(providers)


def providers(home: HomeOption = None, json: JsonOption = False) -> None:
    """Try every provider, and say which one is chosen for what and why."""
    registry = _registry(home)
    commands = {command: registry.survey(command) for command in registry.list_commands()}
    if json:
        say_json({"commands": [{"command": name, **dataclasses.asdict(each)} for name, each in commands.items()]})
        return
    for name, found in commands.items():
        say(f"{name}: {found.chosen or 'nothing'} ({found.why})")
        for each in found.variants:
            mark = "*" if each.name == found.chosen else " "
            say(f"  {mark} {each.name:<16} {each.status:<12} priority {each.priority:<3}  {each.reason}".rstrip())


def _registry(home: Path | None) -> VariantRegistry:
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.language_models.variants import register_language_models
    from omni_pipelines.model_store import ModelStore
    from omni_pipelines.text.engines import register_embedders
    from omni_pipelines.text.readers.registry import register_readers
    from omni_pipelines.text.token_counting import register_counters
    from omni_pipelines.variant_registry import VariantRegistry

    settings = load_settings(find_home(home))
    registry = VariantRegistry()
    register_counters(registry, ModelStore(settings.cache), settings.encoding)
    register_embedders(registry, settings)
    register_language_models(registry, settings)
    register_readers(registry)
    return registry
