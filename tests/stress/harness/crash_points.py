"""Named moments of a pipeline run at which a process can be killed. The product code does not know them."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Point:
    """The moment before or after one call of a function, which is replaced where its callers look it up."""

    where: str
    """`module:name` or `module:Class.method`."""
    after: bool = True
    call: int = 1


_STEP_RECORD = "omni_pipelines.steps.{}:write_step_record"
_TABLE = "native.lance_tables:LanceTable."
_MAINTENANCE = "native.lance_maintenance:"
_KEYWORDS = "native.tantivy_index:KeywordWriter."
_PUBLISH = "omni_pipelines.publishing.publish:"
_RELEASES = "omni_pipelines.knowledge.state.releases:"

POINTS = {
    "recovery done": Point("omni_pipelines.pipeline.writer_session:recover"),
    "first table created": Point(_TABLE + "create"),
    "first commit": Point(_TABLE + "upsert"),
    "documents read": Point(_STEP_RECORD.format("documents")),
    "chunks committed": Point(_TABLE + "upsert", call=2),
    "chunks cut": Point(_STEP_RECORD.format("chunks")),
    "vectors committed": Point(_TABLE + "upsert", call=3),
    "texts embedded": Point(_STEP_RECORD.format("embeddings")),
    "keywords about to be committed": Point(_KEYWORDS + "commit", after=False),
    "keywords committed": Point(_KEYWORDS + "commit"),
    "generation complete": Point(_STEP_RECORD.format("keyword_index"), after=False),
    "keyword index built": Point(_STEP_RECORD.format("keyword_index")),
    "vectors indexed": Point("native.lance_vectors:build"),
    "vector index built": Point(_STEP_RECORD.format("vector_index")),
    "files verified": Point(_PUBLISH + "_verify"),
    "first tag": Point(_MAINTENANCE + "tag"),
    "last tag": Point(_MAINTENANCE + "tag", call=3),
    "files synced": Point(_PUBLISH + "sync_file"),
    "record about to be written": Point(_RELEASES + "put_if_absent", after=False),
    "record written": Point(_RELEASES + "put_if_absent"),
    "old records deleted": Point(_MAINTENANCE + "untag", after=False),
    "first tags deleted": Point(_MAINTENANCE + "untag"),
    "first old versions deleted": Point(_MAINTENANCE + "clean_up"),
    "last old versions deleted": Point(_MAINTENANCE + "clean_up", call=4),
    "collection done": Point(_PUBLISH + "collect"),
}

_REQUEST = "request "

RELEASED_FROM = "record written"
"""From this point on, the release exists."""


def released_at(name: str) -> bool:
    """Return whether a writer that was killed at this point has published its release."""
    names = list(POINTS)
    return names.index(name) >= names.index(RELEASED_FROM)


def request(number: int, *, after: bool) -> str:
    """Return the name of the moment before or after the request with this number (from 1) to an object store."""
    return f"{_REQUEST}{number} {'after' if after else 'before'}"


def _point(name: str) -> Point:
    if not name.startswith(_REQUEST):
        return POINTS[name]
    number, _, when = name.removeprefix(_REQUEST).partition(" ")
    return Point("native.object_store:ObjectStore._repeat", after=when == "after", call=int(number))


def owner_of(name: str) -> tuple[Any, str]:
    """Return the module or class that holds the function of a point, and the name of the function."""
    module_name, _, attribute = _point(name).where.partition(":")
    owner: Any = importlib.import_module(module_name)
    *classes, function_name = attribute.split(".")
    for class_name in classes:
        owner = getattr(owner, class_name)
    return owner, function_name


def die_at(name: str) -> None:
    """Kill this process when it reaches the point."""
    owner, function_name = owner_of(name)
    function = getattr(owner, function_name)
    assert not inspect.ismethod(function), f"{name} is a class method"
    setattr(owner, function_name, _dying(function, _point(name)))


def _dying(function: Callable[..., Any], point: Point) -> Callable[..., Any]:
    calls = 0

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        here = calls == point.call  # compare now, because other threads may call it meanwhile
        if here and not point.after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if here and point.after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call
