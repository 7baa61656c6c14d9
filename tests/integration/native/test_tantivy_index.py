"""The keyword index: exact keys, one writer, and no query that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from native.errors import IndexCorrupt, IndexMissing, WriteConflict
from native.query_clauses import MAX_QUERY_TERMS
from native.tantivy_analysis import MAX_WORD_BYTES
from native.tantivy_entries import KeywordEntry, analyzed
from native.tantivy_index import KeywordIndex

FILTERS = ("source", "path")
NAUGHTY = [
    "'",
    '"',
    "a b",
    "a-b",
    "a:b",
    "x' OR '1'='1",
    "\\",
    "*",
    "a\nb",
    "日本語",
    "😀",
    "e\u0301",
    "é",
    " ",
    "AND",
]


def entry(key: str, text: str, context: str = "", source: str = "docs", path: str = "a.md") -> KeywordEntry:
    return KeywordEntry(key, f"mark of {text}", text, context, {"source": source, "path": path})


def filled(folder: Path, *entries: KeywordEntry) -> KeywordIndex:
    index = KeywordIndex.create(folder, FILTERS)
    with index.writer() as writer:
        writer.upsert(entries)
        writer.commit()
    index.reload()
    return index


def found(index: KeywordIndex, query: str, **where: str) -> list[str]:
    return [key for key, _ in index.search(query, 10, where)]


# --- writing


def test_entries_that_another_process_has_analyzed_are_found_like_others(tmp_path: Path) -> None:
    fresh = [entry("a", "getUserName of the café"), entry("b", "東大寺 and 3.11.2")]
    sent = ForkingPickler.loads(ForkingPickler.dumps(list(analyzed(fresh))))
    assert not any(each.text for each in sent)
    one, other = filled(tmp_path / "one", *fresh), filled(tmp_path / "other", *sent)
    for query in ("username", "cafe", "東大寺", "3.11.2"):
        assert one.search(query, 5) == other.search(query, 5) != []


def test_upsert_replaces_exactly_its_key(tmp_path: Path) -> None:
    index = filled(tmp_path, entry("a", "apple"), entry("a b", "badger"), entry("A", "candle"))
    with index.writer() as writer:
        writer.upsert([entry("a", "dolphin")])
        writer.commit()
    index.reload()
    assert index.fingerprints() == {"a": "mark of dolphin", "a b": "mark of badger", "A": "mark of candle"}
    assert found(index, "apple") == []
    assert found(index, "dolphin") == ["a"]


def test_search_returns_keys_of_any_form_from_every_segment(tmp_path: Path) -> None:
    hashes = ["0" * 32, "f" * 32, "00000000000000010000000000000002", "a1" * 16]
    keys = [*hashes, "A1" * 16, "a1" * 15, "a1" * 17, "g" * 32, "a", "é日本"]
    index = KeywordIndex.create(tmp_path, FILTERS)
    with index.writer() as writer:
        for at in range(0, len(keys), 3):
            writer.upsert(entry(key, "apple") for key in keys[at : at + 3])
            writer.commit()
    index.reload()
    assert sorted(found(index, "apple")) == sorted(keys)
    assert sorted(index.keys().to_pylist()) == sorted(keys)


@pytest.mark.parametrize("keys", [[], ["0" * 32, "f" * 32, "7f" * 16, "80" * 16, "a1" * 16]], ids=len)
def test_keys_of_an_index_are_those_of_its_entries(tmp_path: Path, keys: list[str]) -> None:
    index = filled(tmp_path, *(entry(key, "apple") for key in keys))
    assert sorted(index.keys().to_pylist()) == sorted(keys)


def test_last_upsert_of_a_key_in_one_commit_wins(tmp_path: Path) -> None:
    index = filled(tmp_path, *(entry("a", f"word{number}") for number in range(5)))
    assert index.size == 1
    assert index.fingerprints() == {"a": "mark of word4"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.one_of(
        st.sampled_from(NAUGHTY), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
    )
)
def test_key_and_filter_may_be_any_text(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    others = {f"{key}x", f"x{key}", "other"} - {key}
    entries = [entry(each, "apple", path=each) for each in (key, *others)]
    index = filled(tmp_path_factory.mktemp("index"), *entries)
    assert found(index, "apple", path=key) == [key]
    assert [name for name, _ in index.search("apple", 10, keys=[key])] == [key]
    with index.writer() as writer:
        writer.delete([key])
        writer.commit()
    index.reload()
    assert index.fingerprints().keys() == others


def test_written_entry_is_invisible_before_the_commit(tmp_path: Path) -> None:
    index = filled(tmp_path, entry("a", "apple"))
    with index.writer() as writer:
        writer.upsert([entry("b", "apple")])
        index.reload()
        assert found(index, "apple") == ["a"]
        writer.commit()
    index.reload()
    assert sorted(found(index, "apple")) == ["a", "b"]


def test_writer_left_by_an_exception_changes_nothing(tmp_path: Path) -> None:
    index = filled(tmp_path, entry("a", "apple"))

    def broken() -> None:
        with index.writer() as writer:
            writer.upsert([entry("b", "apple")])
            raise RuntimeError("out of coffee")

    with pytest.raises(RuntimeError, match="coffee"):
        broken()
    with index.writer() as writer:
        writer.commit()
    index.reload()
    assert found(index, "apple") == ["a"]


def test_second_writer_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    index = filled(tmp_path)
    with index.writer(), pytest.raises(WriteConflict, match="try again"):
        KeywordIndex.open(tmp_path, FILTERS).writer()
    with KeywordIndex.open(tmp_path, FILTERS).writer() as writer:
        writer.commit()


def test_second_writer_in_another_process_is_refused(tmp_path: Path) -> None:
    index = filled(tmp_path)
    attempt = (
        "import sys; from pathlib import Path; from native.errors import WriteConflict\n"
        "from native.tantivy_index import KeywordIndex\n"
        "try: KeywordIndex.open(Path(sys.argv[1]), ('source', 'path')).writer()\n"
        "except WriteConflict: sys.exit(7)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with index.writer():
        done = subprocess.run(
            [sys.executable, "-c", attempt, str(tmp_path)], env=environment, timeout=120, check=False
        )
    assert done.returncode == 7


# --- generations


def test_write_to_a_clone_does_not_change_its_source(tmp_path: Path) -> None:
    source = filled(tmp_path / "one", *(entry(f"k{number}", "apple") for number in range(20)))
    before = {path.name: path.read_bytes() for path in source.folder.iterdir()}
    clone = KeywordIndex.clone(source.folder, tmp_path / "two", FILTERS)
    with clone.writer() as writer:
        writer.delete([f"k{number}" for number in range(10)])
        writer.upsert([entry("new", "badger")])
        writer.commit()
    clone.reload()
    assert {path.name: path.read_bytes() for path in source.folder.iterdir()} == before
    assert (KeywordIndex.open(source.folder, FILTERS).size, clone.size) == (20, 11)


def test_clone_survives_the_removal_of_its_source(tmp_path: Path) -> None:
    source = filled(tmp_path / "one", entry("a", "apple"))
    KeywordIndex.clone(source.folder, tmp_path / "two", FILTERS)
    for path in source.folder.iterdir():
        path.unlink()
    assert found(KeywordIndex.open(tmp_path / "two", FILTERS), "apple") == ["a"]


def test_missing_index_raises_with_cure(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="omni ingest"):
        KeywordIndex.open(tmp_path / "none", FILTERS)


@pytest.mark.parametrize("name", ["meta.json", "*.store", "*.term"])
def test_index_with_a_truncated_file_raises_with_cure(tmp_path: Path, name: str) -> None:
    filled(tmp_path, *(entry(f"k{number}", "apple") for number in range(50)))
    for path in tmp_path.glob(name):
        os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(IndexCorrupt, match="omni ingest"):
        KeywordIndex.open(tmp_path, FILTERS).fingerprints()


def test_index_whose_file_has_another_schema_raises_with_cure(tmp_path: Path) -> None:
    filled(tmp_path, entry("k1", "apple"))
    meta = tmp_path / "meta.json"
    meta.write_text(meta.read_text().replace('"key_low"', '"key_lov"'))
    with pytest.raises(IndexCorrupt, match="omni ingest"):
        KeywordIndex.open(tmp_path, FILTERS).search("apple", 5)


# --- searching


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> KeywordIndex:
    return filled(
        tmp_path_factory.mktemp("library"),
        entry("install", "To install the package, run the setup script.", "Guide > Install"),
        entry("upgrade", "The script runs the package set, up to a point. Install nothing.", "Guide > Upgrade"),
        entry("chinese", "数据库的索引存放在磁盘上。", "中文"),
        entry("japanese", "ひらがなとカタカナを検索できる。"),
        entry("thai", "ฐานข้อมูลอยู่บนดิสก์"),
        entry("korean", "데이터베이스 색인은 디스크에 있다"),
        entry("hebrew", "מסד הנתונים נמצא בדיסק"),
        entry("code", "value = json.loads(raw_text)", "parser.py", source="code", path="src/parser.py"),
    )


HOSTILE = [
    "(" * 10_000,
    ")" * 10_000,
    "NOT " * 5_000,
    "a AND " * 5_000,
    " ".join(f"term{number}" for number in range(64)),
    " ".join(f"term{number}" for number in range(5_000)),
    '"' * 9_999,
    '"a ' * 3_000,
    "[a TO b}" * 500,
    "*" * 5_000,
    "^" * 5_000,
    "~" * 5_000,
    "\\" * 5_000,
    "+-" * 5_000,
    "field:" * 2_000,
    "x" * 100_000,
    "\0" * 1_000,
    "\ufeff\u202e\u200d" * 300,
    "😀" * 5_000,
    "数" * 10_000,
]


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: ascii(query[:12]))
def test_search_with_a_hostile_query_returns_a_list(library: KeywordIndex, query: str) -> None:
    assert isinstance(library.search(query, 10), list)
    assert isinstance(library.search(f'install {query} "{query}', 10, {"source": "docs"}), list)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_search_with_any_text_returns_sorted_hits(library: KeywordIndex, query: str) -> None:
    hits = library.search(query, 3)
    assert len(hits) <= 3
    assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)


def test_query_terms_beyond_the_limit_are_ignored(library: KeywordIndex) -> None:
    """1,000 characters have room for more one-letter words than the limit."""
    noise = " ".join(["q"] * MAX_QUERY_TERMS)
    assert found(library, f"{noise} install") == []
    assert "install" in found(library, f"{noise[2:]} install")


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("索引", "chinese"),
        ("数据库", "chinese"),
        ("カタカナ", "japanese"),
        ("検索", "japanese"),
        ("ดิสก์", "thai"),
        ("색인은", "korean"),
        ("הנתונים", "hebrew"),
        ("INSTALLING packages", "install"),
        ("json loads", "code"),
        ("raw_text", "code"),
    ],
)
def test_search_finds_words_in_every_script(library: KeywordIndex, query: str, key: str) -> None:
    assert found(library, query)[0] == key


def test_phrase_matches_only_word_for_word(library: KeywordIndex) -> None:
    assert found(library, '"setup script"') == ["install"]
    assert found(library, '"script setup"') == []
    assert sorted(found(library, "script setup")) == ["install", "upgrade"]
    assert found(library, '"存放在磁盘"') == ["chinese"]


def test_word_too_long_for_the_index_keeps_its_place_in_the_text(tmp_path: Path) -> None:
    longest = "x" * MAX_WORD_BYTES
    index = filled(tmp_path, entry("a", f"before {longest}y after"), entry("b", f"before {longest} after"))
    assert found(index, "before") == ["a", "b"]
    assert found(index, longest) == ["b"]
    assert found(index, '"before after"') == []


def test_phrase_without_closing_quote_is_searched_as_words(library: KeywordIndex) -> None:
    assert "install" in found(library, '"setup script')


def test_filters_match_exactly_and_do_not_change_scores(library: KeywordIndex) -> None:
    assert found(library, "json", source="code") == ["code"]
    assert found(library, "json", source="code", path="src/parser.py") == ["code"]
    assert found(library, "json", source="cod") == []
    assert library.search("json", 5, {"source": "code"}) == library.search("json", 5)


def test_search_with_keys_scores_only_these(library: KeywordIndex) -> None:
    every = dict(library.search("install script", 10))
    chosen = library.search("install script", 10, keys=["upgrade", "chinese"])
    assert chosen == [("upgrade", every["upgrade"])]


@pytest.mark.parametrize("query", ["", "   ", "?!", '""', "\n"])
def test_query_without_words_finds_nothing(library: KeywordIndex, query: str) -> None:
    assert library.search(query, 5) == []


def test_query_of_stop_words_only_finds_them(tmp_path: Path) -> None:
    index = filled(tmp_path, entry("a", "To be or not to be"), entry("b", "Something else"))
    assert found(index, "to be") == ["a"]


def test_frequencies_count_the_entries_with_each_term_of_a_query(tmp_path: Path) -> None:
    index = filled(tmp_path, entry("a", "Badgers dig, badgers sleep"), entry("b", "A badger"), entry("c", "Otters"))
    assert index.frequencies([*index.terms("the badgers"), "walrus"]) == {"badger": 2, "walrus": 0}


def test_quotes_in_a_question_are_a_hint_and_no_condition(library: KeywordIndex) -> None:
    assert "install" in found(library, 'what is a "setup pigeon" script')
    assert found(library, 'the "setup script" of packages')[0] == "install"


def test_words_side_by_side_as_quoted_rank_higher(tmp_path: Path) -> None:
    apart = entry("a", "herons stand in water, and the cold ones in it")
    together = entry("b", "herons stand in cold water and the ones in it")
    index = filled(tmp_path, apart, together)
    assert found(index, 'herons in "cold water"')[0] == "b"


@pytest.mark.parametrize("query", ["badgers, e.g. in woods", "the badger's wood", "isn\u2019t a badger in woods"])
def test_letters_of_abbreviations_and_endings_are_no_terms(tmp_path: Path, query: str) -> None:
    index = filled(tmp_path, entry("a", "e g s t"), entry("b", "A badger in the wood"))
    assert found(index, query) == ["b"]
    assert index.terms(query) == ["badger", "wood"]


def test_single_letter_is_a_term_if_it_stands_alone(tmp_path: Path) -> None:
    index = filled(
        tmp_path, entry("a", "vitamin C"), entry("b", "vitamin D"), entry("c", "T-cell"), entry("d", "T t")
    )
    assert found(index, "vitamin C")[0] == "a"
    assert found(index, "T-cell")[0] == "c"


@pytest.mark.parametrize("query", ["otetrs", "the oters", "otterz"])
def test_misspelt_word_finds_the_nearest_terms(library: KeywordIndex, tmp_path: Path, query: str) -> None:
    index = filled(tmp_path, entry("a", "Otters hold hands"), entry("b", "Badgers dig"))
    assert found(index, query) == ["a"]


def test_word_of_the_corpus_is_not_replaced_by_near_terms(tmp_path: Path) -> None:
    index = filled(tmp_path, entry("a", "The otter sleeps"), entry("b", "The outer wall"))
    assert found(index, "outer") == ["b"]


def test_nonsense_has_no_near_terms(library: KeywordIndex) -> None:
    assert library.search("zzqqxxyy", 5) == []


def test_word_that_every_entry_has_in_its_context_weighs_next_to_nothing(tmp_path: Path) -> None:
    entries = [entry(str(number), f"def load_{number}(file): return file", "python") for number in range(8)]
    index = filled(
        tmp_path, *entries, entry("named", "python = find_python()", "python"), entry("it", "sort a list", "python")
    )
    assert found(index, "python sort list")[0] == "it"


def test_highest_score_is_not_exceeded(library: KeywordIndex) -> None:
    for query in ("install script", "json loads", "installl the scripd", '"setup script"', "数据库"):
        best = max((score for _, score in library.search(query, 10)), default=0.0)
        assert 0 < best <= 2 * library.highest_score(query)
    assert library.highest_score("?!") == 0


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("de", "Der Antrag wird beim Amt gestellt", "Wo und wann wird denn der Antrag eigentlich gestellt?"),
        ("fr", "La demande est faite au guichet", "Quand et comment est faite la demande au guichet?"),
        ("ru", "Заявление подают в отдел", "Когда и где подают заявление в отдел?"),
    ],
)
def test_question_words_of_the_detected_language_are_no_terms(
    tmp_path: Path, language: str, text: str, question: str
) -> None:
    index = KeywordIndex.create(tmp_path, ("language",))
    with index.writer() as writer:
        writer.upsert([KeywordEntry("a", "f", text, "", {"language": language})])
        writer.commit()
    index.reload()
    asked = set(index.terms(question))
    assert not asked & {"wo", "wann", "wird", "quand", "comment", "est", "когда", "где"}
    assert asked


def test_pairs_of_characters_that_questions_end_with_are_no_terms(tmp_path: Path) -> None:
    index = filled(tmp_path, entry("a", "これは何ですか"), entry("b", "大仏は奈良にある"))
    assert index.highest_score("です") == pytest.approx(index.highest_score("で") + index.highest_score("す"))
    assert index.highest_score("大仏") > index.highest_score("大") + index.highest_score("仏")
