"""A home as a member of the store that it shares."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omni_pipelines.errors import StoreRefused
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.settings import Settings
from omni_pipelines.sources.store_membership import Membership, read_membership, write_membership

if TYPE_CHECKING:
    from omni_pipelines.sharing.bucket import Bucket


@dataclass
class Member:
    """A home and the store that it shares."""

    home: Home
    bucket: Bucket
    membership: Membership

    def newest(self) -> int:
        """The newest release of the store; 0 if there is none. Releases that the home knows are not listed again."""
        return max(self.bucket.numbers(max(0, self.membership.release - 1)), default=0)

    def update(self, **changes: object) -> None:
        """Change fields of the membership, also on disk."""
        self.membership = self.membership.model_copy(update=changes)
        write_membership(self.home, self.membership)

    def hold(self, number: int) -> AbstractContextManager[Callable[[], None]]:
        """Keep all homes from dropping a release, see `Bucket.hold`. Hold the writer lock."""
        from omni_pipelines.sharing.holds import Hold

        return self.bucket.hold(Hold.of(number, self.membership.home, self.home.root))

    def require_conditional_put(self) -> None:
        """Check, once per membership, that no home can overwrite what another one writes.

        Raises:
            StoreRefused: the store has no conditional put.
        """
        if not self.membership.probed:
            self.bucket.probe()
            self.update(probed=True)


def member_of(home: Home, settings: Settings) -> Member | None:
    """The home as a member of the store in its settings; None without a store. No request is made.

    Raises:
        StoreRefused: the home has not joined the store.
    """
    if not settings.store:
        return None
    from omni_pipelines.sharing.bucket import Bucket  # most homes share no store

    membership = read_membership(home)
    if membership is None:
        raise StoreRefused(f"{home.root} has not joined {settings.store} yet", cure="run: omni ingest")
    return Member(home, Bucket.open(settings.store), membership)


def join(home: Home, bucket: Bucket, *, create: bool = True) -> Member:
    """Make a home a member of a store, if it is not one already.

    Args:
        home: its folders exist.
        bucket: the store.
        create: whether to create the store if it does not exist.

    Raises:
        StoreRefused: there is no store; or the home belongs to another one, or has releases that this one lacks.
        EngineError: the store cannot be reached.
    """
    identity, membership = bucket.identity(), read_membership(home)
    if membership is not None:
        if identity is None or identity.store != membership.store:
            raise StoreRefused(
                f"{bucket.url} is not the store that {home.root} shares: it was emptied or created again",
                cure=f"correct `store`; to make this home a member of the new store, delete {home.shared}",
            )
        return Member(home, bucket, membership)
    if identity is None:
        if not create:
            raise StoreRefused(f"there is no knowledge base in {bucket.url} yet", cure="run: omni ingest PATH")
        bucket.probe()
        identity = bucket.create()
    if newest_release(home) is not None and bucket.numbers():
        raise StoreRefused(
            f"{home.root} has releases of its own, and {bucket.url} holds another knowledge base",
            cure="ingest your paths into a new home: omni ingest --home PATH",
        )
    member = Member(home, bucket, Membership(store=identity.store, home=uuid.uuid4().hex))
    member.update()
    return member
