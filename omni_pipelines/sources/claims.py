"""Which registered sources a person of this machine named: a home may come with the folder of somebody else.

A source inside the folder of its home is read. One that leads outside is read only if the registry holds its seal:
the HMAC of where it leads, with a key that lies outside all homes. Without it, nobody reads the source until a person
claims it. The seal holds wherever the home is moved or copied to, so what lies inside now is sealed as well.
"""

import hmac
from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson

from omni_pipelines.configuration import user_folder
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.home_key import keyed_seal, make_key, read_key
from omni_pipelines.sources.model.source import Source

NOBODY = "nobody"
"""The reader of a source until a person claims it."""
_SEALED = {"kind", "root", "url", "file", "rev", "allow", "allow_private"}


def claimed(source: Source) -> Source:
    """The source of nobody, which this home reads from now on."""
    return source.model_copy(update={"read_by": ""})


def unclaimed(home: Home, source: Source) -> Source:
    """The source as somebody else registered it: read by nobody if it leads out of the folder of the home."""
    return source.model_copy(update={"read_by": NOBODY}) if _leads_out(home, source) else source


def with_claims(home: Home, sources: Iterable[Source], seals: Mapping[str, str]) -> list[Source]:
    """Sources as they are registered; those that lead out without a seal of this user are read by nobody."""
    try:
        key = read_key(key_file())
    except OSError:  # a user without a folder of their own claimed nothing
        key = None
    return [source if _holds(key, source, seals) else unclaimed(home, source) for source in sources]


def seals_of(home: Home, sources: Iterable[Source]) -> dict[str, str]:
    """The seals of the sources that are read, by name.

    Raises:
        ConfigurationError: a source leads out of the folder of the home, and this user has no folder for the key.
    """
    sealed = [source for source in sources if source.read_by != NOBODY]
    if not sealed:
        return {}
    file = key_file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_key(file)
        key = read_key(file)
    except OSError as error:
        outside = next((source for source in sealed if _leads_out(home, source)), None)
        if outside is None:
            return {}
        raise ConfigurationError(
            f"{outside.location} is outside the folder of the home, and {file} cannot be written, which remembers "
            f"that you named it: {error.strerror}",
            cure="set XDG_CONFIG_HOME to a folder of yours, or place the home beside the source",
        ) from error
    return {source.name: _seal(key, source) for source in sealed if key is not None}


def key_file() -> Path:
    """Where the key of this user is, which seals what they claim."""
    return user_folder() / "sources.key"


def _leads_out(home: Home, source: Source) -> bool:
    return source.is_remote or not source.local_path.resolve().is_relative_to(home.root.parent.resolve())


def _holds(key: bytes | None, source: Source, seals: Mapping[str, str]) -> bool:
    seal = str(seals.get(source.name, ""))
    return key is not None and seal.isascii() and hmac.compare_digest(seal, _seal(key, source))


def _seal(key: bytes, source: Source) -> str:
    place = source.model_dump(mode="json", include=_SEALED)
    place["target"] = "" if source.is_remote else str(source.local_path.resolve())  # a link may be changed
    return keyed_seal(key, orjson.dumps(place, option=orjson.OPT_SORT_KEYS))
