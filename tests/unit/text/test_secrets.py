"""Detecting and masking secrets: ordinary text has no findings, and masking changes no length."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omni_pipelines.settings import Settings
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, Section
from omni_pipelines.text.secrets import assignments
from omni_pipelines.text.secrets.masking import (
    NO_FINDINGS,
    MaskedDocument,
    Masking,
    find_sensitive,
    is_masking_current,
    mask_document,
    masked_text,
    masking_of,
)
from omni_pipelines.text.secrets.personal import PERSONAL
from tests.samples.secrets import HEX, TOKENS, Planted, glued, planted, wrapped

SEED = 20_261
ALL = Masking(secrets=True, personal=frozenset(PERSONAL))
PLANTED = list(planted(SEED, count=8))


def token(kind: str = "github_token") -> str:
    return TOKENS[kind](random.Random(SEED))


def is_hidden(sample: Planted) -> bool:
    return sample.secret[:6] not in masked_text(sample.text, ALL)


@pytest.mark.parametrize(
    "kind", sorted({sample.kind for sample in PLANTED if not sample.kind.startswith("assigned")})
)
def test_secret_with_a_vendor_prefix_is_masked(kind: str) -> None:
    shown = [sample.text for sample in PLANTED if sample.kind == kind and not is_hidden(sample)]
    assert shown == [], f"seed {SEED}"


def test_nearly_every_assigned_secret_is_masked() -> None:
    quoted = [is_hidden(sample) for sample in PLANTED if sample.kind.startswith("assigned, ")]
    bare = [is_hidden(sample) for sample in PLANTED if sample.kind.startswith("assigned without quotes, ")]
    assert sum(quoted) >= 0.95 * len(quoted), f"seed {SEED}"
    assert sum(bare) >= 0.7 * len(bare), f"seed {SEED}"  # half of the passwords of word, year and word are not found


@pytest.mark.parametrize("plant", [glued, wrapped])
def test_nearly_every_token_in_a_name_or_on_two_lines_is_masked(
    plant: Callable[[int, int], Iterator[Planted]],
) -> None:
    """Not found are short keys without a digit, and what is broken inside its prefix."""
    samples = list(plant(SEED, 2))
    shown = [sample for sample in samples if sample.secret in masked_text(sample.text, ALL)]
    assert len(shown) <= 0.03 * len(samples), f"seed {SEED}: {shown}"
    assert all(masked_text(sample.text, ALL).count("\n") == sample.text.count("\n") for sample in samples)


def test_a_value_in_the_line_after_its_name_is_masked() -> None:
    secret = "hT8vQz2LmW4xKp9R"
    for text in (f'token = (\n    "{secret}"\n)', f"password =\n        '{secret}'", f'"secret": \\\n  "{secret}"'):
        assert secret not in masked_text(text, ALL)


@pytest.mark.parametrize("sample", PLANTED[::9], ids=lambda sample: sample.kind)
def test_masking_keeps_the_length_and_the_rest_of_the_text(sample: Planted) -> None:
    masked = masked_text(sample.text, ALL)
    assert len(masked) == len(sample.text)
    assert all(before == after or after == "*" for before, after in zip(sample.text, masked, strict=True))
    assert masked.count("\n") == sample.text.count("\n")
    assert masked_text(masked, ALL) == masked


def personal() -> dict[str, str]:
    return {
        "card": "4539 1488 " + "0343 6467",
        "iban": "DE89 3704 0044 " + "0532 0130 00",
        "email": "ada.lovelace@" + "analytical.org",
        "phone": "+44 20 7946" + " 0958",
    }


@pytest.mark.parametrize("kind", PERSONAL)
def test_personal_data_is_found_and_masked_only_on_request(kind: str) -> None:
    text = f"Write it down: {personal()[kind]}, and wait."
    assert [finding.kind for finding in find_sensitive(text)] == [kind]
    assert personal()[kind] in masked_text(text, Masking())
    assert personal()[kind] not in masked_text(text, Masking(personal=frozenset({kind})))


def test_card_and_iban_with_wrong_check_digits_are_not_found() -> None:
    wrong = [f"{personal()['card'][:-1]}2", f"{personal()['iban'][:-1]}1"]
    assert find_sensitive("\n".join(wrong)) == []


@pytest.mark.parametrize(
    ("number", "is_card"),
    [
        ("4444444444444448", False),
        ("4242424242424242", False),
        ("4242424242424200", True),
        ("4111111111111111", False),
    ],
    ids=["two digits", "two digits in turn", "three digits", "two digits, mostly one"],
)
def test_card_number_of_one_or_two_different_digits_is_not_found(number: str, is_card: bool) -> None:
    digits = [int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(number))]
    assert sum(sum(divmod(digit, 10)) for digit in digits) % 10 == 0, "its check digit is right"
    assert [finding.kind for finding in find_sensitive(f"card {number}, thanks")] == ["card"] * is_card


CARDS = {
    "Visa": "4539 1488 0343 6467",
    "Visa, 19 digits": "4000 0000 0000 0000 006",
    "Mastercard": "5555-3412-4444-1115",
    "Mastercard, 2-series": "2223003122003222",
    "American Express": "378282246310005",
    "American Express, in groups": "3714 496353 98431",
    "Diners Club": "3056 930902 5904",
    "Diners Club, 16 digits": "3056930009020004",
    "Discover": "6011111111111117",
    "JCB": "3566002020360505",
    "UnionPay": "6200000000000005",
    "UnionPay, 19 digits": "6205500000000000004",
    "Maestro": "6759649826438453",
    "Mir": "2200000000000053",
    "RuPay": "6073849700004947",
    "Troy": "9792030394440796",
}
"""Test numbers that the networks publish."""
NO_CARDS = {
    "IMEI of a phone": "356938035643809",
    "IMEI of an old phone": "490154203237518",
    "IMEI that begins with 86": "861536030196001",
    "IMEI in four groups": "35-693803-564380-9",
    "IMEI with the beginning of a card": "IMEI 371449635398431",
    "IMEI with its software version": "IMEI/SV: 3530 1113 3330 0000",
    "number of a SIM card": "8991101200003204510",
    "ISBN": "ISBN 9780306406157",
    "number of an article": "4006381333931",
    "Visa with 15 digits": "401288888888188",
}


@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS)
def test_numbers_of_every_network_are_cards(number: str) -> None:
    assert [finding.kind for finding in find_sensitive(f"paid with {number}.")] == ["card"]


@pytest.mark.parametrize("number", NO_CARDS.values(), ids=NO_CARDS)
def test_other_numbers_with_a_check_digit_are_no_cards(number: str) -> None:
    assert find_sensitive(f"| phone | {number} |") == []


@pytest.mark.parametrize(
    "text",
    [
        'token = "access_token"',
        'password = "your-password-here-1"',
        "password: str | None = None",
        'secret = os.environ["APP_SECRET_V2"]',
        "token: {{ vault.token }}",
        "postgres://user:password@db.internal/main",
        "postgres://user:${PASSWORD}@db.internal/main",
        'TOKEN_URL = "https://login.internal/oauth2/v2/token"',
        "sha256: " + HEX * 4,
        '"NextToken": "BMugzAi4L72IERzQdbpyMQuEFB"',
        '"AWS::Api::ApiKey": "48205d4ffd7feba3"',
        'api_key_header = "X-Api-Key-2"',
        'keyword = "for_each_2nd_window"',
        f"disk-{HEX * 2} task_test_{HEX} mask-or-any-other-very-long-name-with-dashes-1",
        "EURASIAPACIFICECONOMICCOOPERATION",
        "All tokens begin with `ghp_`\nfollowed by thirty-six letters and digits, as in release 2026.",
        'words = "first"\n    "second"',
        'password = "please-enter\nyour-2nd-password-here"',
        "uuid 123e4567-e89b-12d3-a456-426614174000",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjAN\n-----END PUBLIC KEY-----",
        "Between 2020-2024 we counted 12.345.678 otters and 1,234,567,890 herons.",
        "The IP 192.168.100.200 and version 1.23.456.7890.",
        "user@example.com and git@host.org:path and image@2x.png",
    ],
)
def test_ordinary_text_has_no_findings(text: str) -> None:
    assert find_sensitive(text) == []


@pytest.mark.parametrize("name", ["--pwd=1A", "--password=aA1!", "pwd=aA1_", "pwd="])
def test_values_inside_values_are_examined_only_a_few_times(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[int] = []
    judge = assignments.looks_made_up

    def counting(value: str, *, bare: bool = False) -> bool:
        examined.append(len(value))
        return judge(value, bare=bare)

    monkeypatch.setattr(assignments, "looks_made_up", counting)
    text = "--password=" + name * (20_000 // len(name))
    list(assignments.assignments(text))
    assert sum(examined) <= 5 * len(text)


def test_text_of_this_project_contains_no_secret() -> None:
    root = Path(__file__).parents[3]
    pages = [path.read_text() for path in (root / "docs").rglob("*.md")]
    code = [path.read_text() for path in (root / "omni_pipelines").rglob("*.py")]
    secrets = [finding for text in pages + code for finding in find_sensitive(text) if finding.kind not in PERSONAL]
    assert secrets == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp1252", "cp1251", "shift_jis", "gb18030"])
def test_masking_keeps_byte_offsets_in_every_encoding(encoding: str) -> None:
    word, letter = {"cp1251": ("пароль", "Я"), "shift_jis": ("合言葉", "ｱ"), "gb18030": ("密码", "码")}.get(
        encoding, ("Schlüssel", "ü")
    )
    before = f"{word}: {token()}\npassword = 'K{letter}9!xQz7wLp'\n"
    parsed = Parsed(replace(decode(b"x"), text=before, encoding=encoding), "t")
    masked = mask_document(parsed, Masking())
    positions = list(range(len(before) + 1))
    assert masked.masked == 2
    assert masked.parsed.byte_offsets(positions) == parsed.byte_offsets(positions)
    assert len(masked.parsed.stored_bytes) == len(parsed.stored_bytes)


def test_title_and_headings_are_masked_as_well() -> None:
    secret = token()
    parsed = Parsed(decode(f"# {secret}\n\ntext\n".encode()), secret, (Section(0, (secret,)),))
    masked = mask_document(parsed, Masking())
    assert secret not in repr(masked.parsed)
    assert masked.found == {"github_token": 1, **masked.found}


def test_a_heading_is_no_value_of_the_name_in_the_heading_before() -> None:
    parsed = Parsed(decode(b"text\n"), "password =", (Section(0, ("'hT8vQz2LmW4xKp9R'",)), Section(1, ("token: x",))))
    assert mask_document(parsed, ALL) == MaskedDocument(parsed, ALL, {}, 0)


def test_numbers_in_digits_of_another_script_are_found() -> None:
    arabic = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
    for number in ("(020) 794-6095", "212-555-0134"):
        assert [finding.kind for finding in find_sensitive(f"ring {number.translate(arabic)}.")] == ["phone"]


def test_findings_without_masking_are_counted_and_the_text_stays() -> None:
    parsed = Parsed(decode(f"token {token()}\n".encode()), "t")
    masked = mask_document(parsed, Masking(secrets=False))
    assert masked.parsed is parsed
    assert (masked.found, masked.masked) == ({"github_token": 1}, 0)
    assert masked.findings == '{"github_token":1}'


def test_source_settings_come_before_the_general_ones() -> None:
    settings = Settings.model_validate(
        {
            "mask_personal": "email, phone",
            "sources": {"open": {"mask_secrets": False}, "staff": {"mask_personal": []}},
        }
    )
    assert masking_of(settings, "docs") == Masking(True, frozenset({"email", "phone"}))
    assert masking_of(settings, "open") == Masking(False, frozenset({"email", "phone"}))
    assert masking_of(settings, "staff") == Masking(True)
    assert Masking.of(masking_of(settings, "docs").fingerprint) == masking_of(settings, "docs")


def test_masking_without_findings_stays_current_with_other_options() -> None:
    masking = Masking().fingerprint
    assert is_masking_current(masking, NO_FINDINGS, ALL)
    assert not is_masking_current(masking, '{"email":1}', ALL)
    assert not is_masking_current("secrets-0:secret", NO_FINDINGS, ALL)


@pytest.mark.parametrize(
    "unit",
    ["@", "a@a.", "eyJ", "eyJaaaaaaaaaaaaaaaaaaaaaaa.", 'password="', "--password=aaa", "://a:b",
     "-----BEGIN PRIVATE" + " KEY-----",
     "ghp_aaaaaaaaaaaa\n", "eyJaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1\n", "sk-ant-", "aaaaaaaaaaa\n",
     'password = "aaaa1\n',
     "1234-", "+1 ", "AB12", "authorization bearer ", "token: ", "<password>", "İ", "password aB3$"],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_hostile_repetition_is_searched_in_linear_time(unit: str) -> None:
    find_sensitive((unit * (300_000 // len(unit) + 1))[:300_000])
