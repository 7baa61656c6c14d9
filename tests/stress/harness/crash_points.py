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


_RUN = "omni_pipelines.pipeline.run:"
_TABLE = "native.lance_tables:LanceTable."
_MAINTENANCE = "native.lance_maintenance:"
_PUBLISH = "omni_pipelines.publishing.publish:"

POINTS = {
    "recovery done": Point("omni_pipelines.pipeline.writer_session:recover"),
    "first table created": Point(_TABLE + "create"),
    "first commit": Point(_TABLE + "upsert"),
    "documents read": Point(_RUN + "reconcile_documents"),
    "chunks committed": Point(_TABLE + "upsert", call=2),
    "chunks cut": Point(_RUN + "reconcile_chunks"),
    "vectors committed": Point(_TABLE + "upsert", call=3),
    "texts embedded": Point(_RUN + "reconcile_embeddings"),
    "keywords about to be committed": Point("native.tantivy_index:KeywordWriter.commit", after=False),
    "keywords committed": Point("native.tantivy_index:KeywordWriter.commit"),
    "generation complete": Point("omni_pipelines.steps.indexes:write_step_record", after=False),
    "keyword index built": Point(_RUN + "build_keyword_index"),
    "vectors indexed": Point("native.lance_vectors:build"),
    "vector index built": Point(_RUN + "build_vector_index"),
    "files verified": Point(_PUBLISH + "_verify"),
    "first tag": Point(_MAINTENANCE + "tag"),
    "last tag": Point(_MAINTENANCE + "tag", call=3),
    "files synced": Point(_PUBLISH + "sync_file"),
    "record about to be written": Point("omni_pipelines.knowledge.state.releases:put_if_absent", after=False),
    "record written": Point("omni_pipelines.knowledge.state.releases:put_if_absent"),
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
    return Point("native.object_store:ObjectStore._asking", after=when == "after", call=int(number))


def die_at(name: str) -> None:
    """Kill this process when it reaches the point."""
    point = _point(name)
    module_name, _, attribute = point.where.partition(":")
    owner: Any = importlib.import_module(module_name)
    *classes, function_name = attribute.split(".")
    for name_of_class in classes:
        owner = getattr(owner, name_of_class)
    function = getattr(owner, function_name)
    assert not inspect.ismethod(function), f"{point.where} is a class method"
    setattr(owner, function_name, _dying(function, point))


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
