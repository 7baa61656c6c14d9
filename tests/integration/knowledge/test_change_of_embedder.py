"""Another embedder, also one with longer vectors: old releases stay readable, and each is asked with its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from native.lance_tables import LanceTable
from omni_pipelines.errors import ModelMissing
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state.foreign_languages import foreign_languages, language_hint
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.model_catalog import CATALOG
from omni_pipelines.operations.inspection import schema_differences
from omni_pipelines.operations.maintenance import migrate
from omni_pipelines.schemas import EMBEDDINGS, vector_size
from omni_pipelines.settings import Settings
from omni_pipelines.steps.checks import schema
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.testing.fakes import FakeEmbedder

FILES = {"a.md": "# Otters\n\nOtters sleep on their backs.\n", "b.md": "# Keys\n\nKeys are rotated weekly.\n"}
FINGERPRINTS = {model.name: model.fingerprint for model in CATALOG}
GERMAN = "Die Schlüssel werden jede Woche erneuert, und die Sicherung läuft in der Nacht. Das ist eine Regel."
ENGLISH = "The keys are rotated every week, and the backup runs at night. This is a rule of the house."


def found(librarian: Librarian) -> str:
    return librarian.search("otters sleep", 1, Mode.VECTOR)[0].path


def stored_size(home: Home) -> int:
    return vector_size(LanceTable(home.table(EMBEDDINGS.name)).open().schema)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / ".omni")


def test_an_embedder_with_longer_vectors_embeds_everything_again(home: Home) -> None:
    first = KnowledgeBase(home).with_files(FILES).build()
    second = KnowledgeBase(home, embedder=FakeEmbedder(768)).build()
    assert second.release.release == first.release.release + 1
    assert stored_size(home) == 768
    assert found(second.librarian()) == "a.md"
    assert second.snapshot().counts()["embeddings"] == 2
    second.snapshot().prepare()


def test_the_release_before_the_change_is_searched_as_before(home: Home) -> None:
    first = KnowledgeBase(home).with_files(FILES).build()
    KnowledgeBase(home, embedder=FakeEmbedder(768)).build()
    old = Librarian(Snapshot.open(home, first.release.release), first.settings, first.embedder)
    assert found(old) == "a.md"


def test_going_back_to_shorter_vectors_works_as_well(home: Home) -> None:
    KnowledgeBase(home, embedder=FakeEmbedder(768)).with_files(FILES).build()
    back = KnowledgeBase(home).build()
    assert stored_size(home) == 384
    assert found(back.librarian()) == "a.md"


def test_a_renamed_file_embeds_nothing_after_the_change(home: Home) -> None:
    base = KnowledgeBase(home, embedder=FakeEmbedder(768)).with_files(FILES).build()
    assert isinstance(base.embedder, FakeEmbedder)
    base.embedder.embedded.clear()
    base.without("a.md").with_files({"c.md": FILES["a.md"]}).build(allow_delete=True)
    assert base.embedder.embedded == []
    assert found(base.librarian()) == "c.md"


def test_longer_vectors_are_no_difference_to_the_definition(home: Home) -> None:
    base = KnowledgeBase(home, embedder=FakeEmbedder(768)).with_files(FILES).build()
    assert schema(home, EMBEDDINGS).passed
    assert schema_differences(home, EMBEDDINGS.name) == []
    assert migrate(home, EMBEDDINGS) == []
    assert found(base.librarian()) == "a.md"


# --- the embedder of the release


def without_models(home: Home, tmp_path: Path, release: int) -> Librarian:
    """A librarian whose settings name the default embedder, on a machine without models."""
    return Librarian(Snapshot.open(home, release), Settings.model_validate({"cache": tmp_path / "cache"}))


def test_a_release_is_asked_with_its_own_embedder_whatever_the_settings_name(home: Home, tmp_path: Path) -> None:
    fingerprint = FINGERPRINTS["multilingual-e5-small"]
    base = KnowledgeBase(home, embedder_fingerprint=fingerprint).with_files(FILES).build()
    with pytest.raises(ModelMissing) as caught:
        found(without_models(home, tmp_path, base.release.release))
    assert caught.value.cure == "fetch it once: omni model pull multilingual-e5-small"


def test_a_release_of_an_unknown_embedder_names_the_cure(home: Home, tmp_path: Path) -> None:
    base = KnowledgeBase(home, embedder_fingerprint="forgotten/1").with_files(FILES).build()
    with pytest.raises(ModelMissing, match="forgotten/1") as caught:
        found(without_models(home, tmp_path, base.release.release))
    assert "omni ingest" in caught.value.cure


# --- languages that the embedder does not know


def base_of(home: Home, embedder: str, german: int, english: int) -> KnowledgeBase:
    files = {f"de{number}.txt": f"{GERMAN} {number}" for number in range(german)}
    files |= {f"en{number}.txt": f"{ENGLISH} {number}" for number in range(english)}
    base = KnowledgeBase(home, embedder_fingerprint=FINGERPRINTS.get(embedder, embedder))
    return base.with_files({**files, "code.py": "def key():\n    return 1\n"}).build()


def test_status_counts_documents_in_languages_that_the_embedder_does_not_know(home: Home) -> None:
    base_of(home, "all-minilm-l6-v2", german=2, english=3)
    shown = status(home)
    assert shown.foreign_languages == {"de": 2}
    hint = language_hint(shown.fingerprints["embedder"], shown.foreign_languages)
    assert hint.startswith("2 documents in languages that all-minilm-l6-v2 does not know (de 2)")
    assert 'embedder = "multilingual-e5-small"' in hint


@pytest.mark.parametrize(
    ("embedder", "german", "english"),
    [
        pytest.param("multilingual-e5-small", 2, 3, id="an embedder for many languages"),
        pytest.param("all-minilm-l6-v2", 0, 3, id="nothing foreign"),
        pytest.param("all-minilm-l6-v2", 1, 30, id="a single document, perhaps detected wrongly"),
        pytest.param("of somebody", 2, 1, id="an embedder that is not in the catalog"),
    ],
)
def test_there_is_no_hint_without_a_reason(home: Home, embedder: str, german: int, english: int) -> None:
    base = base_of(home, embedder, german, english)
    assert foreign_languages(home, base.release) == {}
    assert language_hint(base.release.fingerprints["embedder"], {}) == ""
