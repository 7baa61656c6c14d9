"""The keyword index in many languages and scripts, and on names in programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from native.tantivy_analysis import STEMMED, Analyzer, Analyzers
from native.tantivy_entries import KeywordEntry
from native.tantivy_index import KeywordIndex

TEXTS: Mapping[str, tuple[str, str]] = {
    "zh": ("zh", "图书馆早上九点开门，读者可以借阅十本书，超过期限需要支付罚款。"),
    "zh-2": ("zh", "列车在山谷里行驶，窗外下着大雪，乘客们安静地喝茶。"),
    "ja": ("ja", "図書館は午前九時に開きます。コンピューターの予約はカウンターでお願いします。"),
    "ja-2": ("ja", "雪の降る谷を列車が走り、乗客は静かにお茶を飲んでいた。"),
    "ko": ("ko", "도서관은 아침 아홉 시에 문을 엽니다. 컴퓨터를 예약하려면 안내소에서 신청하세요."),
    "ko-2": ("ko", "눈이 내리는 골짜기를 열차가 달리고 승객들은 조용히 차를 마셨다."),
    "th": ("th", "ห้องสมุดเปิดเก้าโมงเช้าผู้อ่านยืมหนังสือได้สิบเล่ม"),
    "th-2": ("th", "รถไฟวิ่งผ่านหุบเขาที่มีหิมะตกผู้โดยสารดื่มชาอย่างเงียบ"),
    "ar": ("ar", "تفتح المكتبة أبوابها في التاسعة صباحا ويمكن للقراء استعارة عشرة كتب إلى نهاية الشهر."),
    "ar-2": ("ar", "يسير القطار في الوادي والثلج يتساقط والركاب يشربون الشاي في هدوء."),
    "hi": ("hi", "पुस्तकालय सुबह नौ बजे खुलता है और पाठक दस किताबें उधार ले सकते हैं।"),
    "hi-2": ("hi", "रेलगाड़ी घाटी में चल रही थी, बाहर बर्फ़ गिर रही थी और यात्री चुपचाप चाय पी रहे थे।"),
    "el": (
        "el",
        "Η βιβλιοθήκη ανοίγει στις εννέα το πρωί και οι αναγνώστες δανείζονται δέκα βιβλία. Ο καιρός είναι καλός.",
    ),
    "el-2": ("el", "Το τρένο περνούσε μέσα από την κοιλάδα, έξω χιόνιζε και οι επιβάτες έπιναν τσάι."),
    "tr": ("tr", "Kütüphane sabah dokuzda açılır; okurlar on kitap ödünç alabilir. Şubesi IĞDIR ve İzmir'dedir."),
    "tr-2": ("tr", "Tren karlı vadiden geçiyor, yolcular sessizce çay içiyordu. Isparta uzaktadır."),
    "de": ("de", "Die Bücherei hat alte Häuser gekauft, in denen Bände über Flüsse stehen."),
    "en": ("en", "The library opens at nine, and its readers may borrow ten books about rivers."),
    "code": ("python", "def load_user_profile(path): return parseHTTPHeader(json.loads(raw_text)) # readNextFrame"),
    "code-2": ("python", "class HeaderView: user = 1; load = 2; picture_count = 3; text = raw"),
    "wide": ("", "ＡＢＣ１２３ の型番は ｶﾀﾛｸﾞ に ある。"),
}
"""Key to language and text; for each language one that the queries match and one that they do not."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> KeywordIndex:
    return indexed(tmp_path_factory.mktemp("languages") / "index", TEXTS)


def indexed(folder: Path, texts: Mapping[str, tuple[str, str]]) -> KeywordIndex:
    index = KeywordIndex.create(folder, ("language",))
    with index.writer() as writer:
        writer.upsert(
            KeywordEntry(key, "1", text, "", {"language": language}) for key, (language, text) in texts.items()
        )
        writer.commit()
    index.reload()
    return index


def best(index: KeywordIndex, query: str) -> str:
    hits = index.search(query, 1)
    return hits[0][0] if hits else ""


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("图书馆", "zh"), ("借阅", "zh"), ("罚款是多少", "zh"), ("列车", "zh-2"), ("大雪", "zh-2"), ("喝茶", "zh-2"),
        ("図書館", "ja"), ("予約", "ja"), ("コンピューターの予約", "ja"), ("お願い", "ja"), ("静かに", "ja-2"),
        ("お茶を飲む", "ja-2"),
        ("도서관", "ko"), ("도서관에서", "ko"), ("컴퓨터", "ko"), ("컴퓨터는 예약이 되나요", "ko"), ("열차", "ko-2"),
        ("승객이", "ko-2"),
        ("ห้องสมุด", "th"), ("ยืมหนังสือ", "th"), ("รถไฟ", "th-2"), ("ผู้โดยสารดื่มชา", "th-2"),
        ("المكتبة", "ar"), ("مكتبة", "ar"), ("الكتب", "ar"), ("كتب", "ar"), ("القطار", "ar-2"), ("الشاي", "ar-2"),
        ("पुस्तकालय", "hi"), ("किताबें", "hi"), ("रेलगाड़ी", "hi-2"), ("चाय", "hi-2"),
        ("βιβλιοθήκη", "el"), ("βιβλιοθηκη", "el"), ("ΒΙΒΛΙΟΘΗΚΗ", "el"), ("αναγνώστης", "el"), ("τρένο", "el-2"),
        ("τσάι", "el-2"),
        ("kütüphane", "tr"), ("kitaplar", "tr"), ("kitabı ödünç", "tr"), ("tren", "tr-2"), ("yolcu", "tr-2"),
        ("Haus", "de"), ("Buch Band Fluss", "de"), ("HÄUSERN", "de"), ("river", "en"),
        ("a library with a book", "en"),
    ],
)  # fmt: skip
def test_text_is_found_in_its_language(index: KeywordIndex, query: str, key: str) -> None:
    assert best(index, query) == key


@pytest.mark.parametrize("query", ["ığdır", "IĞDIR", "Iğdır", "iğdır", "izmir", "İZMİR", "IZMIR"])
def test_turkish_i_is_found_dotted_and_dotless_in_both_cases(index: KeywordIndex, query: str) -> None:
    assert best(index, query) == "tr"


@pytest.mark.parametrize("query", ["الى نهايه", "إلى نهاية", "اِلى نِهايَة", "إلـــى نهـــاية"])
def test_arabic_is_found_without_vowel_signs_and_with_any_alef(index: KeywordIndex, query: str) -> None:
    assert best(index, query) == "ar"


@pytest.mark.parametrize("query", ["καιρός", "καιρος", "ΚΑΙΡΟΣ", "Καιρόσ"])
def test_greek_is_found_without_accents_and_with_either_sigma(index: KeywordIndex, query: str) -> None:
    assert best(index, query) == "el"


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Ο καιρός", "ΚΑΙΡΟΣ"),
        ("نهاية", "نِهايَة"),
        ("إلى", "الى"),
        ("שָׁלוֹם", "שלום"),
        ("ёлка", "елка"),
        ("ığdır", "IĞDIR"),
    ],
)
def test_spelling_variants_are_found_in_a_text_of_unknown_language(text: str, query: str, tmp_path: Path) -> None:
    assert best(indexed(tmp_path / "i", {"a": ("", text), "b": ("", "Other words")}), query) == "a"


def test_hindi_signs_are_part_of_the_word(tmp_path: Path) -> None:
    """कल, काल and कला differ only in their signs."""
    index = indexed(tmp_path / "i", {"kal": ("hi", "कल"), "kaal": ("hi", "काल"), "kala": ("hi", "कला")})
    assert {query: [key for key, _ in index.search(query, 9)] for query in ("कल", "काल", "कला")} == {
        "कल": ["kal"], "काल": ["kaal"], "कला": ["kala"],
    }  # fmt: skip


@pytest.mark.parametrize("query", ["ABC123", "ＡＢＣ１２３", "abc123", "カタログ", "ｶﾀﾛｸﾞ"])
def test_wide_and_narrow_forms_find_each_other(index: KeywordIndex, query: str) -> None:
    assert best(index, query) == "wide"


@pytest.mark.parametrize("text", ["Donau\u00addampf", "Donau\u2060dampf", "Donaudampf"])
def test_invisible_characters_do_not_split_a_word(text: str, tmp_path: Path) -> None:
    assert best(indexed(tmp_path / "i", {"a": ("de", text)}), "donaudampf") == "a"


@pytest.mark.parametrize(
    "query",
    [
        "load_user_profile", "user profile", "json.loads", "raw_text", "parseHTTPHeader", "parse http",
        "readNextFrame", "next frame", "LOAD_USER_PROFILE", '"json loads"',
    ],
)  # fmt: skip
def test_program_name_is_found_whole_and_by_its_parts(index: KeywordIndex, query: str) -> None:
    assert best(index, query) == "code"


@pytest.mark.parametrize(
    "query",
    ["a" * 1_000, "\0" * 500 + "b" * 400, "\ud800" * 40 + "c" * 40, "(" * 900 + "d" * 40, "é" * 500, "ﷺ" * 60],
)
def test_hostile_query_returns_a_list(index: KeywordIndex, query: str) -> None:
    assert isinstance(index.search(query, 5), list)


def test_word_is_as_rare_as_all_its_forms_together(tmp_path: Path) -> None:
    """`Dateien` is in nearly all texts: the text of unknown language must not come first because of it."""
    texts = {f"a{n}": ("de", f"Dateien und Ordner {n}") for n in range(20)}
    texts |= {"unknown": ("", "Dateien"), "wanted": ("de", "Dateien und ein Drucker")}
    assert best(indexed(tmp_path / "i", texts), "Dateien Drucker") == "wanted"


def test_phrase_must_match_word_for_word(index: KeywordIndex) -> None:
    assert [key for key, _ in index.search('"alte Häuser gekauft"', 9)] == ["de"]
    assert index.search('"Häuser alte"', 9) == []


def test_query_is_read_by_the_rules_of_the_languages_in_the_index(tmp_path: Path) -> None:
    texts = {"en": TEXTS["en"], "unknown": ("", "Haus")}
    assert best(indexed(tmp_path / "en", texts), "Häuser") == ""
    assert best(indexed(tmp_path / "both", {**texts, "de": ("de", "Wald")}), "Häuser") == "unknown"


@pytest.mark.parametrize(
    ("query", "readings"),
    [
        ("Häuser kitapları", 3),
        ("how many books about rivers may the readers of this library borrow", 1),
        ("wie viele Bücher über Flüsse dürfen die Leser dieser Bücherei ausleihen", 2),
        ("ile książek o rzekach mogą wypożyczyć czytelnicy tej biblioteki", 1),
        ("quantos livros sobre rios podem os leitores desta biblioteca levar", 3),
    ],
    ids=["unclear", "English", "German", "Polish, which has no stemmer", "Portuguese, not in the index"],
)
def test_query_of_a_clear_language_is_read_by_its_rules_only(query: str, readings: int) -> None:
    analyzer, _ = Analyzers(("en", "de", "tr")).of_query(query)
    assert len(analyzer.readings(query)) == readings


@pytest.mark.parametrize("language", sorted(STEMMED))
def test_questions_in_every_stemmed_language_have_stop_words(language: str) -> None:
    assert Analyzer(stopwords=language, languages=[language]).analyze("lighthouse") != []
