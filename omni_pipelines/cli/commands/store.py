"""`omni store`."""

from typing import Annotated

from omni_pipelines.cli.command import Depends, Fields, command
from omni_pipelines.cli.dependencies import AnyHome, HomeSettings
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.views.sources import show_pull, show_store
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.store_state import StoreState, read_store_state
from omni_pipelines.sources.store_membership import read_membership
from omni_pipelines.steps.step_table import new_run


def sharing_settings(home: AnyHome, settings: HomeSettings) -> Settings:
    """The settings of a home that shares a store.

    Raises:
        ConfigurationError: it shares none.
    """
    if not settings.store:
        cure = 'write into omni.toml beside it: store = "s3://bucket/folder"'
        raise ConfigurationError(f"{home.root} shares no store", cure=cure)
    return settings


SharingSettings = Annotated[Settings, Depends(sharing_settings)]


@command(show_store)
def status(home: AnyHome, settings: SharingSettings) -> StoreState:
    """Show what the store holds, and how far this home is behind it."""
    return read_store_state(new_run(home, settings))


@command(show_pull, around=showing_progress)
def pull(home: AnyHome, settings: SharingSettings) -> Fields:
    """Bring this home to the newest release of the store.

    omni ingest, and every command that reads a release, pulls automatically.
    """
    home.create()
    before = read_membership(home)
    with writer_session(home, settings, sync=True):
        after = read_membership(home)
    return {"release": after.release if after else 0, "before": before.release if before else 0}
