"""`omni init`."""

from pathlib import Path

from omni_pipelines.cli.command import Fields, command
from omni_pipelines.cli.dependencies import HomeOption
from omni_pipelines.cli.text import line
from omni_pipelines.configuration import find_home
from omni_pipelines.home import HOME_NAME, Home


@command(line("{home}", "next: omni model pull, once; then omni ingest PATH"))
def init(home: HomeOption = None) -> Fields:
    """Create an empty knowledge base in this folder."""
    new_home = Home(Path.cwd() / HOME_NAME) if home is None else find_home(home)
    new_home.create()
    return {"home": new_home.root}
