"""Which store a home shares, and that it is the right one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from native.object_store import ObjectStore
from omni_pipelines.errors import StoreRefused
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.bucket import Bucket
from omni_pipelines.sources.membership import Membership, read_membership, write_membership


@dataclass
class Member:
    """A home and the store that it shares."""

    home: Home
    bucket: Bucket
    known: Membership

    def newest(self) -> int:
        """The newest release of the store; 0 where there is none. Those that the home knows are not listed again."""
        return max(self.bucket.numbers(max(0, self.known.release - 1)), default=0)

    def note(self, **changes: object) -> None:
        """Remember something of the store."""
        self.known = self.known.model_copy(update=changes)
        write_membership(self.home, self.known)

    def require_conditional_put(self) -> None:
        """Before the first put that counts.

        Raises:
            StoreRefused: the store cannot do it.
        """
        if not self.known.probed:
            self.bucket.probe()
            self.note(probed=True)


def member_of(home: Home, settings: Settings) -> Member | None:
    """The home as a member of the store in its settings, which it has joined; None without a store. Asks nothing.

    Raises:
        StoreRefused: it has not joined it.
    """
    if not settings.store:
        return None
    known = read_membership(home)
    if known is None:
        raise StoreRefused(f"{home.root} has not joined {settings.store} yet", cure="run: omni ingest")
    return Member(home, Bucket(ObjectStore(settings.store)), known)


def join(home: Home, url: str, seconds: float = 60.0, *, make: bool = True) -> Member:
    """The home as a member of a store.

    Args:
        home: its folders exist.
        url: of the store.
        seconds: how long one request may take.
        make: whether to make a store where there is none.

    Raises:
        StoreRefused: there is none; or the home belongs to another, or has releases that this one does not know.
        EngineError: the store cannot be reached.
    """
    bucket = Bucket(ObjectStore(url, seconds=seconds))
    found, known = bucket.identity(), read_membership(home)
    if known is not None:
        if found is None or found.store != known.store:
            raise StoreRefused(
                f"{bucket.url} is not the store that {home.root} shares: it was emptied or made anew",
                cure=f"correct `store`; to give this home to it as a new one, delete {home.shared}",
            )
        return Member(home, bucket, known)
    if found is None:
        if not make:
            raise StoreRefused(f"there is no knowledge base in {url} yet", cure="make one: omni ingest PATH")
        bucket.probe()
        found = bucket.make()
    if newest_release(home) is not None and bucket.numbers():
        raise StoreRefused(
            f"{home.root} has releases of its own, and {bucket.url} holds another knowledge base",
            cure="use a new home, and ingest your paths there again: omni ingest --home …",
        )
    member = Member(home, bucket, Membership(store=found.store, home=uuid.uuid4().hex))
    member.note()
    return member
