"""`omni trust`."""

from omni_pipelines.cli.command import Fields, command
from omni_pipelines.cli.dependencies import HomeOption
from omni_pipelines.cli.output import say
from omni_pipelines.configuration import find_home, trust_settings


def _show(result: Fields) -> None:
    settings = result["settings"]
    assert isinstance(settings, dict)
    for name, value in settings.items():
        say(f"{name} = {value}")
    say(f"{'trusted' if settings else 'no setting needs trust'}: {result['file']}")


@command(_show)
def trust(home: HomeOption = None) -> Fields:
    """Trust the settings of omni.toml that send content away or read outside its folder.

    Until then omni ignores such settings, because the file may come from somebody else: store, llm_url, rerank_url,
    ray_address, cache, dagster_home, alerts, and of a source allow, allow_private and a location that is a URL or
    outside the folder. It also refuses a dagster.yaml of the home that it did not write. A change of any of them
    needs trust again.
    """
    found = find_home(home)
    return {"file": found.config, "settings": trust_settings(found)}
