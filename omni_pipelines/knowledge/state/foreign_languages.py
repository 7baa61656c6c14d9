"""Documents in languages that the embedder of a release was not trained for: search by meaning finds them badly."""

from collections import Counter
from collections.abc import Mapping

from native.filters import is_in
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.amounts import counted
from omni_pipelines.home import Home
from omni_pipelines.model_catalog import embedder_with
from omni_pipelines.records import Release
from omni_pipelines.schemas import DOCUMENTS

MULTILINGUAL = "multilingual-e5-small"
"""The embedder that reads them."""
MIN_SHARE = 0.05
"""Share of the documents whose language is known, from which on they are told: a few are often detected wrongly."""
_TEXTS = ("prose", "markup")
_NAMED = 5


def foreign_languages(home: Home, release: Release) -> dict[str, int]:
    """The number of documents in each language that the embedder does not know, most first; empty if they are few.

    Raises:
        EngineError: the table of documents is damaged.
    """
    model = embedder_with(release.fingerprints["embedder"])
    if model is None or model.encoder is None or not model.encoder.languages:
        return {}
    version = TableVersion.parse(release.tables[DOCUMENTS.name]).version
    rows = LanceTable(home.table(DOCUMENTS.name)).read(["language"], is_in("kind", _TEXTS), version)
    counts = Counter(language for language in rows["language"].to_pylist() if language)
    foreign = {language: count for language, count in counts.most_common() if language not in model.encoder.languages}
    return foreign if sum(foreign.values()) >= MIN_SHARE * counts.total() else {}


def language_hint(embedder: str, languages: Mapping[str, int]) -> str:
    """What the embedder with a fingerprint does not know, and the cure; "" if there is nothing."""
    if not languages:
        return ""
    model = embedder.partition("/")[0]
    named = ", ".join(f"{language} {count:,}" for language, count in list(languages.items())[:_NAMED])
    return (
        f"{counted(sum(languages.values()), 'document')} in languages that {model} does not know ({named}): "
        f"questions find them by words only; to find them by meaning: omni model pull {MULTILINGUAL}, then set "
        f'embedder = "{MULTILINGUAL}" in omni.toml and run omni ingest'
    )
