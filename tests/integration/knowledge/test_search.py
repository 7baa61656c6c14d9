"""Searches of a real home: filters, folding of duplicates, score parts, and unreadable queries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest

from native import dataset_cache
from native.dataset_cache import DatasetCache, DatasetCacheConfig
from native.lance_tables import LanceTable
from native.lance_vectors import COLUMN
from native.row_cache import row_index
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.options import Fusion, Mode
from omni_pipelines.knowledge.search.relevance import probability
from omni_pipelines.testing.fakes import FakeEmbedder
from omni_pipelines.text.calibration import calibration_of
from tests.integration.line import Line, write

NOTICE = "This notice about otters is repeated in every folder, word for word.\n"
FILES = {
    "guide/otters.md": "# Otters\n\nOtters sleep holding hands, so that none of them drifts away.\n",
    "guide/deep/seals.md": "# Seals\n\nSeals and otters share the coast in winter.\n",
    "guides/whales.md": "# Whales\n\nWhales sing to otters, it is said.\n",
    "it's [odd]/a+b.md": "# Odd\n\nOtters in an odd folder.\n",
    "a/notice.txt": NOTICE,
    "b/notice.txt": NOTICE,
}


class HalfBlind(FakeEmbedder):
    """Can read only a share of every query, like an embedder that does not know the script."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def readable(self, text: str) -> float:
        return self.share


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("project") / "docs"
    write(folder, FILES)
    line = Line(Home(folder.parent / ".omni"))
    line.add(folder)
    line.run()
    return line.home


@pytest.fixture
def librarian(home: Home) -> Librarian:
    return Librarian.open(home, embedder=FakeEmbedder())


@pytest.fixture
def empty_pool() -> Iterator[DatasetCache]:
    """The dataset cache of the process, without any data."""
    before = dataset_cache.POOL.config
    dataset_cache.POOL.evict()
    yield dataset_cache.POOL
    dataset_cache.POOL.configure(before)


def vectors_in_memory(home: Home) -> bool:
    return row_index(LanceTable(home.table("embeddings")), "chunk_id", None, COLUMN, uses=0).in_memory


def test_first_search_after_prepare_loads_nothing(librarian: Librarian, empty_pool: DatasetCache) -> None:
    librarian.prepare()
    held = empty_pool.stats().column_bytes
    assert vectors_in_memory(librarian._snapshot.home)
    assert librarian.search("otters")
    assert empty_pool.stats().column_bytes == held


@pytest.mark.usefixtures("empty_pool")
def test_prepare_drops_no_other_cached_data(librarian: Librarian) -> None:
    home = librarian._snapshot.home
    documents = LanceTable(home.table("documents"))
    held = row_index(documents, "doc_id").nbytes
    dataset_cache.POOL.configure(DatasetCacheConfig(column_bytes=2 * held - 1))
    kept = row_index(documents, "doc_id")
    librarian.prepare()
    assert row_index(documents, "doc_id") is kept


@pytest.mark.parametrize("mode", list(Mode))
def test_folder_filter_keeps_documents_below_the_folder(librarian: Librarian, mode: Mode) -> None:
    paths = {hit.path for hit in librarian.search("otters", 10, mode, {"path": "guide/**"})}
    assert paths == {"guide/otters.md", "guide/deep/seals.md"}


@pytest.mark.parametrize("mode", list(Mode))
def test_folder_filter_accepts_special_characters(librarian: Librarian, mode: Mode) -> None:
    paths = {hit.path for hit in librarian.search("otters", 10, mode, {"path": "it's [odd]/**"})}
    assert paths == {"it's [odd]/a+b.md"}


@pytest.mark.parametrize("mode", list(Mode))
def test_path_filter_without_wildcard_matches_that_path_alone(librarian: Librarian, mode: Mode) -> None:
    assert not librarian.search("otters", 10, mode, {"path": "guide"})
    assert [hit.path for hit in librarian.search("otters", 10, mode, {"path": "guide/otters.md"})]


@pytest.mark.parametrize("letter", ["x", "é", "国", "𒀀", "*"])
def test_folder_filter_longer_than_240_characters_is_refused(librarian: Librarian, letter: str) -> None:
    assert librarian.search("otters", 10, where={"path": letter * 239 + "/**"}) == []
    with pytest.raises(ConfigurationError, match="240 characters"):
        librarian.search("otters", 10, where={"path": letter * 240 + "/**"})


@pytest.mark.parametrize("mode", list(Mode))
def test_text_in_two_files_is_one_hit_with_two_locations(librarian: Librarian, mode: Mode) -> None:
    hits = librarian.search("notice repeated word for word", 3, mode)
    folded = [hit for hit in hits if hit.path.endswith("notice.txt")]
    assert len(folded) == 1
    assert {folded[0].path, *(other.path for other in folded[0].also_in)} == {"a/notice.txt", "b/notice.txt"}


def test_folding_still_returns_k_hits(librarian: Librarian) -> None:
    hits = librarian.search("otters notice repeated word", 4)
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert len({hit.text for hit in hits}) == 4


@pytest.mark.parametrize("fusion", list(Fusion))
@pytest.mark.parametrize("feedback", [False, True])
def test_score_is_the_probability_of_the_sum_of_its_parts(
    librarian: Librarian, fusion: Fusion, feedback: bool
) -> None:
    hits = librarian.search("how do otters sleep", 10, fusion=fusion, feedback=feedback)
    assert len(hits) >= 4
    for hit in hits:
        assert 0 < hit.score < 1
        assert hit.score == pytest.approx(probability([part for _, part in hit.parts]), abs=1e-6)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize("mode", [Mode.KEYWORD, Mode.VECTOR])
def test_score_of_a_single_list_has_a_single_part_besides_the_base(librarian: Librarian, mode: Mode) -> None:
    hit = librarian.search("otters sleep", 1, mode)[0]
    assert hit.score == pytest.approx(probability([hit.parts.base, getattr(hit.parts, str(mode))]), abs=1e-6)


@pytest.mark.parametrize("mode", list(Mode))
def test_nonsense_finds_nothing_that_looks_relevant(librarian: Librarian, mode: Mode) -> None:
    assert max((hit.score for hit in librarian.search("zzqqxxyy", 10, mode)), default=0.0) < 0.1


def test_unreadable_query_is_searched_by_its_words(home: Home) -> None:
    blind = Librarian.open(home, embedder=HalfBlind(0.0))
    by_words = [hit.path for hit in blind.search("otters sleep", 10, Mode.KEYWORD)]
    hits = blind.search("otters sleep", 10)
    assert [hit.path for hit in hits] == by_words
    assert all(hit.parts.vector == 0.0 for hit in hits)


def test_half_readable_query_quarters_the_share_of_the_vector(home: Home) -> None:
    whole, half = (
        Librarian.open(home, embedder=HalfBlind(share)).search("otters sleep holding hands", 1)[0]
        for share in (1.0, 0.5)
    )
    shares = [hit.parts.vector / hit.parts.keyword for hit in (whole, half)]
    assert shares[1] == pytest.approx(shares[0] / 4, rel=1e-3)


def test_feedback_searches_again_with_the_mean_of_the_best_three(librarian: Librarian) -> None:
    query = "sleep holding hands"
    first = librarian.search(query, 6)
    asked = librarian._searches.vectors.of_query(query).values
    best = librarian._snapshot.vectors([hit.chunk_id for hit in first[:3]])
    moved = asked + 0.4 * np.mean([*best.values()], axis=0)
    moved_hits = librarian.search(query, 6, feedback=True)
    scale = calibration_of("all-minilm-l6-v2")
    vectors = librarian._snapshot.vectors([moved_hits[0].chunk_id, moved_hits[-1].chunk_id])
    top, last = scale.scaled_all(np.array([*vectors.values()]) @ moved / np.linalg.norm(moved))
    assert moved_hits[-1].parts.vector / moved_hits[0].parts.vector == pytest.approx(last / top, abs=1e-2)
    assert [hit.score for hit in moved_hits] != [hit.score for hit in first]


def test_unknown_fusion_is_refused_with_the_known_ones(librarian: Librarian) -> None:
    with pytest.raises(ConfigurationError, match="fusion 'magic' is unknown") as caught:
        librarian.search("otters", fusion=cast("Fusion", "magic"))
    assert caught.value.cure == "fusions: evidence, rrf"


def test_unknown_mode_is_refused_with_the_known_ones(librarian: Librarian) -> None:
    with pytest.raises(ConfigurationError, match="mode 'magic' is unknown") as caught:
        librarian.search("otters", mode=cast("Mode", "magic"))
    assert caught.value.cure == "modes: hybrid, keyword, vector"


def test_vectors_are_those_of_the_known_chunk_ids_in_their_order(librarian: Librarian) -> None:
    ids = [hit.chunk_id for hit in librarian.search("otters", 3)]
    vectors = librarian._snapshot.vectors([ids[0], "unknown", *ids[1:]])
    assert list(vectors) == ids
    assert np.linalg.norm([*vectors.values()], axis=1) == pytest.approx(np.ones(3), abs=1e-2)
