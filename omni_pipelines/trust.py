"""Which settings of an omni.toml count only after a person trusts them, because the file may come from somebody else.

These settings send content away, run something, or read outside the folder of the file. What is trusted is a hash of
their values for the path of the file, so a change of any of them needs trust again.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import orjson
from blake3 import blake3

from native.durable import write_whole

_FIRST_VERSION = "# Written by omni. "
"""How the configuration of Dagster began before it had a checksum; that version was written again at each start."""
_CHECKSUM = "# sha256 of the lines above: "
_OF_ALL = ("store", "llm_url", "rerank_url", "ray_address", "cache", "dagster_home", "alerts")
_OF_SOURCE = ("allow", "allow_private")


def settings_to_trust(values: Mapping[str, object], folder: Path) -> dict[str, object]:
    """The settings of an omni.toml in `folder` that need trust, by names such as `sources.a.location`."""
    found = {name: values[name] for name in _OF_ALL if values.get(name)}
    for name, own in _sources(values).items():
        found |= {f"sources.{name}.{key}": own[key] for key in _OF_SOURCE if own.get(key)}
        if _leads_out(own.get("location"), folder):
            found[f"sources.{name}.location"] = own["location"]
    return found


def without_settings(values: Mapping[str, object], names: Mapping[str, object]) -> dict[str, object]:
    """The values of an omni.toml without those that `settings_to_trust` named."""
    kept = {name: value for name, value in values.items() if name not in names}
    if "ray_address" in names:
        kept.pop("engine", None)  # it would use another cluster
    if "rerank_url" in names:
        kept.pop("reranker", None)  # it would be refused without an address
    if "sources" in kept:
        kept["sources"] = {
            name: {key: value for key, value in own.items() if f"sources.{name}.{key}" not in names}
            for name, own in _sources(values).items()
        }
    return kept


def is_trusted(trusted: Path, config: Path, found: Mapping[str, object]) -> bool:
    """Whether a person trusts these settings of an omni.toml. `trusted` is the file that says so."""
    return _read(trusted).get(str(config.resolve())) == _hash(found)


def trust(trusted: Path, config: Path, found: Mapping[str, object]) -> None:
    """Write down that a person trusts these settings of an omni.toml."""
    trusted.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(
        trusted, orjson.dumps({**_read(trusted), str(config.resolve()): _hash(found)}, option=orjson.OPT_INDENT_2)
    )


def with_checksum(text: str) -> str:
    """A text of ours that people may change, with the checksum by which `is_unchanged` knows it."""
    return f"{text}{_CHECKSUM}{sha256(text.encode()).hexdigest()}\n"


def is_unchanged(text: str) -> bool:
    """Whether a text is as we wrote it, or somebody pretends that it is: then it is written again."""
    above, mark, checksum = text.rpartition(_CHECKSUM)
    if not mark:
        return not text or text.startswith(_FIRST_VERSION)
    return checksum.strip() == sha256(above.encode()).hexdigest()


def _read(trusted: Path) -> dict[str, object]:
    try:
        content = orjson.loads(trusted.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _hash(found: Mapping[str, object]) -> str:
    return blake3(orjson.dumps(found, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def _sources(values: Mapping[str, object]) -> dict[str, dict[str, object]]:
    sources = values.get("sources")
    return {name: own for name, own in sources.items() if isinstance(own, dict)} if isinstance(sources, dict) else {}


def _leads_out(location: object, folder: Path) -> bool:
    """Whether a location is a URL, or a path outside the folder."""
    if not isinstance(location, str) or not location:
        return False
    if "://" in location:
        return True
    inside = folder.resolve()
    return not (inside / Path(location).expanduser()).resolve().is_relative_to(inside)
