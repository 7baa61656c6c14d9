"""Which store a home shares, and as which member."""

from pydantic import ValidationError

from native.durable import write_whole
from omni_pipelines.home import Home
from omni_pipelines.records import Record


class Membership(Record):
    """What a home knows of the store that it shares. Written last: everything that it names is on disk by then."""

    store: str
    """Id of the store."""
    home: str
    """Id of this home, which reads only the sources that it registered."""
    release: int = 0
    """The release that the tables of this home are based on."""
    probed: bool = False
    """Whether the store was seen to refuse a second object under one name."""


def read_membership(home: Home) -> Membership | None:
    """The membership of a home; None if the home shares no store."""
    try:
        return Membership.model_validate_json((home.shared / "home.json").read_bytes())
    except (OSError, ValidationError):
        return None


def write_membership(home: Home, membership: Membership) -> None:
    """Write the membership of a home to disk."""
    home.shared.mkdir(exist_ok=True)
    write_whole(home.shared / "home.json", membership.model_dump_json(indent=2).encode())
