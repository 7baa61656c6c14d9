"""Which store a home shares, and as which member."""

from typing import Annotated

from pydantic import Field

from native.durable import write_whole
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.record_fields import Id
from omni_pipelines.records import Record, opened, sealed


class Membership(Record):
    """What a home knows of the store that it shares. Written last: everything that it names is on disk by then."""

    store: Id
    """Id of the store."""
    home: Id
    """Id of this home, which reads only the sources that it registered."""
    release: Annotated[int, Field(ge=0, lt=10**12)] = 0
    """The release that the tables of this home are based on."""
    probed: bool = False
    """Whether the store was seen to refuse a second object under one name."""


def read_membership(home: Home) -> Membership | None:
    """The membership of a home; None if the home shares no store.

    Raises:
        ConfigurationError: its file is damaged, so it is unknown which sources this home reads.
    """
    path = home.shared / "home.json"
    try:
        return opened(path.read_bytes(), Membership)
    except OSError:
        return None
    except ValueError as error:
        cure = "restore it from a backup, or ingest your paths into a new home: omni ingest --home PATH"
        raise ConfigurationError(f"{path} is damaged", cure=cure) from error


def write_membership(home: Home, membership: Membership) -> None:
    """Write the membership of a home to disk."""
    home.shared.mkdir(exist_ok=True)
    write_whole(home.shared / "home.json", sealed(membership))
