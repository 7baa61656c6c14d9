"""Which store a home shares, and as which member: written last, when everything it says is on disk."""

from __future__ import annotations

from pydantic import ValidationError

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.records import Record


class Membership(Record):
    """What a home knows of the store that it shares: written last, when everything it says is on disk."""

    store: str
    """Id of the store."""
    home: str
    """Id of this home: it reads the sources that it registered, and no others."""
    release: int = 0
    """The release that the tables go on from."""
    probed: bool = False
    """Whether the store was seen to refuse a second object under one name."""


def read_membership(home: Home) -> Membership | None:
    """What the home knows of its store; None where it shares none."""
    try:
        return Membership.model_validate_json((home.shared / "home.json").read_bytes())
    except (OSError, ValidationError):
        return None


def write_membership(home: Home, membership: Membership) -> None:
    """Remember it."""
    home.shared.mkdir(exist_ok=True)
    write_whole(home.shared / "home.json", membership.model_dump_json(indent=2).encode())
