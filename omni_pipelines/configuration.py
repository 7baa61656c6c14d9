"""Find the home and load its settings; the only module that reads environment variables.

Command-line options override `OMNI_*` variables, which override `omni.toml` beside the home, which overrides the
defaults of `Settings`.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr, ValidationError

from omni_pipelines.errors import ConfigurationError, nearest
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.settings import Settings
from omni_pipelines.trust import is_trusted, is_unchanged, settings_to_trust, trust, without_settings

HOME_VARIABLE = "OMNI_HOME"
KEY_VARIABLE = "OMNI_LLM_KEY"
ALERT_SECRET_VARIABLE, ALERT_PASSWORD_VARIABLE = "OMNI_ALERTS_SECRET", "OMNI_ALERTS_PASSWORD"
_NO_TELEMETRY = {"DAGSTER_DISABLE_TELEMETRY": "1"}
"""For processes of Dagster, which do not find their configuration below a folder `[x]`."""


class AlertSecrets(NamedTuple):
    """What signs alerts and sends mail; empty where it is not set."""

    webhook: SecretStr
    smtp: SecretStr


def find_home(flag: Path | None = None) -> Home:
    """Return the home that `flag` or OMNI_HOME names, or the nearest `.omni` in this folder and its parents.

    If there is none, it is the `.omni` that an ingest would create in this folder.
    """
    named = flag or os.environ.get(HOME_VARIABLE)
    if named:
        return Home.at(Path(named))
    here = Path.cwd()
    folders = (folder for folder in (here, *here.parents) if (folder / HOME_NAME).is_dir())
    return Home(next(folders, here) / HOME_NAME)


def load_settings(home: Home, environment: Mapping[str, str] | None = None) -> Settings:
    """Load the settings of a home, without those of omni.toml that a person has to trust first.

    Args:
        home: the home whose omni.toml is read, if there is one.
        environment: variables to read instead of those of this process.

    Raises:
        ConfigurationError: a key is unknown or a value is not valid; the message names the nearest key.
    """
    variables = os.environ if environment is None else environment
    known = set(Settings.model_fields)
    base = variables.get("XDG_CACHE_HOME")
    written = _read_file(home.config)
    for name in written:
        if name not in known:
            cure = nearest(name, sorted(known), f"known settings: {', '.join(sorted(known))}")
            raise ConfigurationError(f"unknown setting {name!r} in {home.config}", cure=cure)
    values: dict[str, object] = {"cache": Path(base, "omni_pipelines")} if base else {}
    values |= without_settings(written, _untrusted(home, written, variables))
    values |= {name: value for name in known if (value := variables.get(f"OMNI_{name.upper()}"))}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise _invalid_setting(error, home) from error


def untrusted_settings(home: Home) -> dict[str, object]:
    """The settings of omni.toml that are ignored until a person trusts them, by their dotted names.

    Raises:
        ConfigurationError: omni.toml cannot be read.
    """
    return _untrusted(home, _read_file(home.config), os.environ)


def trust_settings(home: Home) -> dict[str, object]:
    """Trust the settings of omni.toml as they are now, and return those that needed it.

    Raises:
        ConfigurationError: omni.toml cannot be read.
    """
    found = settings_to_trust(_read_file(home.config), home.config.parent)
    trust(_trusted_file(os.environ), home.config, found)
    if instance := changed_instance(home):
        trust(_trusted_file(os.environ), home.instance_file, instance)
    return {**found, **dict.fromkeys(instance, str(home.instance_file))}


def changed_instance(home: Home) -> dict[str, object]:
    """The configuration of the home's Dagster instance if it is not as omni writes it: it can run programs.

    Raises:
        ConfigurationError: it cannot be read.
    """
    path = home.instance_file
    try:
        text = path.read_text("utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", cure="move it away") from error
    return {} if is_unchanged(text) else {"dagster.yaml": text}


def is_instance_trusted(home: Home) -> bool:
    """Whether a person trusts the configuration of the home's Dagster instance as it is now."""
    return is_trusted(_trusted_file(os.environ), home.instance_file, changed_instance(home))


def _untrusted(home: Home, written: Mapping[str, object], variables: Mapping[str, str]) -> dict[str, object]:
    found = settings_to_trust(written, home.config.parent)
    return {} if not found or is_trusted(_trusted_file(variables), home.config, found) else found


def user_folder(environment: Mapping[str, str] | None = None) -> Path:
    """The folder with what a person trusts, grants and approves, for all their projects.

    A relative XDG_CONFIG_HOME is ignored, as its specification says: it would lie in the folder of a project.
    """
    variables = os.environ if environment is None else environment
    base = Path(variables.get("XDG_CONFIG_HOME") or "")
    return (base if base.is_absolute() else Path.home() / ".config") / "omni_pipelines"


def _trusted_file(variables: Mapping[str, str]) -> Path:
    return user_folder(variables) / "trusted.json"


def _read_file(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        cure = "correct it, or move it away to use the defaults"
        raise ConfigurationError(f"{path} cannot be read: {error}", cure=cure) from error


def _invalid_setting(error: ValidationError, home: Home) -> ConfigurationError:
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        cure = f"correct {home.config} or the OMNI_* variables"
        return ConfigurationError(f"invalid settings: {reason}", cure=cure)
    name = ".".join(str(part) for part in first["loc"])
    variable = f" or in OMNI_{name.upper()}" if len(first["loc"]) == 1 else ""
    cure = f"correct it in {home.config}{variable}"
    return ConfigurationError(f"invalid setting {name} = {first['input']!r}: {reason}", cure=cure)


def alert_secrets(environment: Mapping[str, str] | None = None) -> AlertSecrets:
    """Return the secrets of alerts, which only the environment has, and which are never stored."""
    variables = os.environ if environment is None else environment
    names = (ALERT_SECRET_VARIABLE, ALERT_PASSWORD_VARIABLE)
    return AlertSecrets(*(SecretStr(variables.get(name, "")) for name in names))


def language_model_key(settings: Settings, environment: Mapping[str, str] | None = None) -> SecretStr:
    """Return the key for the server at `settings.llm_url`, or "" if no key is set.

    The key is read from OMNI_LLM_KEY only, in `environment` or else that of this process, and is never stored.

    Raises:
        ConfigurationError: a key is set, but the address comes from omni.toml. That file may come from somebody else,
            and the key must not be sent to an address that they chose.
    """
    variables = os.environ if environment is None else environment
    key = variables.get(KEY_VARIABLE, "").strip()
    if key and variables.get("OMNI_LLM_URL") != settings.llm_url:
        raise ConfigurationError(
            f"{KEY_VARIABLE} is set, but the address of the server comes from a file",
            cure=f"set OMNI_LLM_URL in the environment as well, or unset {KEY_VARIABLE}",
        )
    return SecretStr(key)


def aws_region() -> str:
    """Return the AWS region that the environment names, or ""; botocore reads only AWS_DEFAULT_REGION."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""


def dagster_folder(home: Home) -> Path:
    """The folder of the Dagster instance: that of the settings, else DAGSTER_HOME, else one inside the home.

    Raises:
        ConfigurationError: the folder is named and is not there.
    """
    named = load_settings(home).dagster_home or os.environ.get("DAGSTER_HOME", "")
    if not named:
        return home.dagster
    folder = Path(named).expanduser()
    if folder.resolve() == home.dagster.resolve():
        return home.dagster
    if not folder.is_absolute() or not os.path.isdir(folder):
        raise ConfigurationError(
            f"the folder of the Dagster instance is not there, or its path is relative: {named}",
            cure="correct DAGSTER_HOME or the setting dagster_home; without both, the instance lies in the home",
        )
    return folder


def child_environment(home: Home) -> dict[str, str]:
    """Return the environment for a child process that works on this home."""
    return {**os.environ, HOME_VARIABLE: str(home.root), "DAGSTER_HOME": str(dagster_folder(home)), **_NO_TELEMETRY}


def git_environment() -> dict[str, str]:
    """The environment of a git command that finds its repository by the folder it runs in."""
    return {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}


def default_git_ignore_file() -> Path:
    """The file with the ignore rules of a user, where git's configuration names no other one."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "git" / "ignore"
