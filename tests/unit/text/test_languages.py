"""The language of prose is detected where it is clear, and left open where it is not."""

from __future__ import annotations

import random

import pytest

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.languages import language_of, language_of_tag, language_of_text

SENTENCES = {
    "en": "The heron stands in the shallow water for hours and waits until a careless fish swims past its feet.",
    "de": "Der Reiher steht stundenlang im flachen Wasser und wartet, bis ein Fisch an seinen Füßen vorbeischwimmt.",
    "fr": "Le héron reste des heures dans l'eau peu profonde et attend qu'un poisson imprudent passe devant lui.",
    "es": "La garza permanece durante horas en el agua poco profunda y espera a que pase un pez descuidado.",
    "it": "L'airone rimane per ore nell'acqua bassa e aspetta che un pesce distratto passi davanti alle sue zampe.",
    "pt": "A garça fica horas parada na água rasa e espera até que um peixe descuidado passe diante dos seus pés.",
    "nl": "De reiger staat urenlang in het ondiepe water en wacht tot er een onvoorzichtige vis langs zwemt.",
    "sv": "Hägern står i timmar i det grunda vattnet och väntar tills en oförsiktig fisk simmar förbi dess fötter.",
    "fi": "Haikara seisoo tuntikausia matalassa vedessä ja odottaa, kunnes varomaton kala ui sen jalkojen ohi.",
    "pl": "Czapla stoi godzinami w płytkiej wodzie i czeka, aż nieostrożna ryba przepłynie obok jej nóg.",
    "hu": "A gém órákig áll a sekély vízben, és arra vár, hogy egy óvatlan hal elússzon a lába mellett.",
    "tr": "Balıkçıl sığ suda saatlerce durur ve dikkatsiz bir balığın ayaklarının yanından geçmesini bekler.",
    "ru": "Цапля часами стоит на мелководье и ждёт, пока неосторожная рыба не проплывёт мимо её ног.",
    "el": "Ο ερωδιός στέκεται για ώρες στα ρηχά νερά και περιμένει να περάσει ένα απρόσεκτο ψάρι.",
    "ar": "يقف مالك الحزين ساعات في المياه الضحلة وينتظر حتى تمر سمكة غافلة بالقرب من قدميه.",
    "hi": "बगुला घंटों तक उथले पानी में खड़ा रहता है और किसी लापरवाह मछली के पास आने का इंतज़ार करता है।",
    "zh": "苍鹭在浅水中站立数小时，等待一条粗心的鱼从它脚边游过。",
    "ja": "サギは浅い水の中に何時間も立ち、不注意な魚が足もとを通るのを待っている。",
    "ko": "왜가리는 얕은 물에 몇 시간씩 서서 조심성 없는 물고기가 지나가기를 기다린다.",
    "th": "นกกระสายืนอยู่ในน้ำตื้นเป็นเวลาหลายชั่วโมงและรอให้ปลาที่ไม่ระวังว่ายผ่านไป",
}
CODE = "```python\nfrom pathlib import Path\nreturn the_first_of(the_birds, in_the_water)\n```\n"


@pytest.mark.parametrize("language", SENTENCES)
def test_one_sentence_is_enough_for_its_language(language: str) -> None:
    assert language_of_text(SENTENCES[language]) == language
    assert language_of_text(SENTENCES[language]) == language  # the same on every call


@pytest.mark.parametrize("language", SENTENCES)
def test_code_addresses_and_tags_do_not_hide_the_language(language: str) -> None:
    text = (
        f"# README\n\n{CODE}\n- {SENTENCES[language]} `git commit` <https://example.org/the/english/words>\n\n{CODE}"
    )
    assert language_of_text(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "", " \n", "ok", "README", "Install", "TODO: die", "東京", "1,024 × 768", "ab\ncd\nef\n" * 50, CODE * 20,
        "a=1\nb=2\n" * 40, "/usr/share/doc/the/of/and\n" * 20, "🦦" * 500, "\ud800\udfff" * 100, "x" * 5_000,
    ],
)  # fmt: skip
def test_text_with_little_or_no_prose_has_no_language(text: str) -> None:
    assert language_of_text(text) == ""


def test_random_letters_hardly_ever_have_a_language() -> None:
    r = random.Random(7)
    words = (" ".join("".join(r.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(20)) for _ in range(200))
    guessed = [text for text in words if language_of_text(text)]
    assert len(guessed) <= 16, guessed  # seed 7


def test_declared_language_comes_before_the_detected_one() -> None:
    def of(declared: str, language: str) -> str:
        return language_of(Parsed(decode(SENTENCES[language].encode()), "t", language=declared))

    assert of("fr-CA", "de") == "fr"
    assert of("", "de") == "de"
    assert of("und", "de") == "de"
    assert of("x", "de") == "de"


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de", "de"), ("de-AT", "de"), ("zh_Hans_CN", "zh"), ("DEU", "de"), ("ger", "de"), (" en-us ", "en"),
        ("no", "nb"), ("gsw", "gsw"), ("", ""), ("und", ""), ("mul", ""), ("x-klingon", ""), ("german", ""),
        ("${lang}", ""), ("de; rm -rf", ""),
    ],
)  # fmt: skip
def test_language_of_tag_is_an_iso_code_or_empty(tag: str, language: str) -> None:
    assert language_of_tag(tag) == language


@pytest.mark.parametrize("part", ["a@", "`", "<", "](", "x://", "a ", "<a", "1 2 3 4 5 6\n", "ab cd ef gh ij\n"])
def test_text_after_the_searched_beginning_is_ignored(part: str) -> None:
    """A pattern that backtracks on a long line would exceed the time limit."""
    beginning = part * (100_000 // len(part))
    assert language_of_text(beginning + SENTENCES["de"]) == language_of_text(beginning)


def test_long_text_has_the_language_of_its_beginning() -> None:
    assert language_of_text((SENTENCES["de"] + "\n") * 20 + (SENTENCES["en"] + "\n") * 200) == "de"
