"""Records as somebody may change them who wants a home to write or read elsewhere, or to fail without a reason."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from typing import Any

JsonObject = dict[str, Any]
SEED = int(os.environ.get("OMNI_STRESS_SEED", random.randrange(1 << 32)))
VALUES: tuple[Any, ...] = (
    *("../../victim", "/etc/victim", "..", ".", "", "a/../../victim", "..\\victim", "~/victim", "a\0b", "x" * 300),
    *("gen-1/../../victim", "0" * 32 + ":1/../../victim", "file:///etc/victim", "$HOME", "'; drop table chunks; --"),
    *("0" * 32 + ":99999999999999999999", "0" * 32 + ":0", ":1", "1", "NaN", "\u0661", "2026-13-01T00:00:00Z"),
    *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00"),
    *(-1, 0, 1.5, 2**53, 2**63 - 1, 2**64 - 1, 10**12, True, None, [], {}, ["../../victim"], {"../../victim": "x"}),
)


def mutations(record: JsonObject, count: int, seed: int = SEED) -> Iterator[JsonObject]:
    """Records that differ from a good one in one or two places."""
    rng = random.Random(seed)
    for _ in range(count):
        changed = copy.deepcopy(record)
        for _ in range(rng.randint(1, 2)):
            _mutate(changed, rng)
        yield changed


def _mutate(record: JsonObject, rng: random.Random) -> None:
    places = list(_places(record))
    if not places:
        return
    holder, key = rng.choice(places)
    way = rng.randrange(4)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, dict):
        holder[str(rng.choice(VALUES))] = holder.pop(key)
    elif way == 2 and isinstance(holder, dict):
        holder[str(rng.choice(VALUES))] = holder[key]
    else:
        holder[key] = rng.choice(VALUES)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value of a document, as what holds it and its key there."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])
