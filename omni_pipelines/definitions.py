"""The Dagster code location: all rooms put together. Imported by no room."""

from __future__ import annotations

import dagster as dg

from assets import chunks, documents, embeddings, keyword_index, release, retrieval_quality, vector_index
from resources.engines import TextEngines
from resources.knowledge import KnowledgeHome
from sensors.changes import SENSORS
from sensors.jobs import JOBS
from sensors.schedules import SCHEDULES

_MODULES = [documents, chunks, embeddings, keyword_index, vector_index, retrieval_quality, release]

defs = dg.Definitions(
    assets=dg.load_assets_from_modules(_MODULES),
    asset_checks=dg.load_asset_checks_from_modules(_MODULES),
    jobs=JOBS,
    sensors=SENSORS,
    schedules=SCHEDULES,
    resources={"knowledge": KnowledgeHome(), "engines": TextEngines()},
    # a run is a process already; a process a step would import Dagster again for each of six
    executor=dg.in_process_executor,
)
