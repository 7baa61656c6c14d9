"""The readers of Outlook mails and of pages that a browser saved as one file."""

from __future__ import annotations

import random

import compressed_rtf
import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.readers.mails import mht, msg
from tests.samples.ole import OUTLOOK_MAIL, message, ole


def test_outlook_mail_keeps_headers_text_and_attachments() -> None:
    parsed = msg.read(OUTLOOK_MAIL, "a.msg")
    assert parsed.text.split("\n") == [
        "From: Ada <ada@example.org>",
        "To: Bo <bo@example.org>",
        "Cc: Cy <cy@example.org>",
        "Date: Mon, 05 Jan 2026 10:00:00 +0000",
        "Subject: RE: Größe",
        "",
        "They swim at night.",
        "",
        "Attachments: terms.txt",
    ]
    assert (parsed.title, parsed.sections[0].path) == ("RE: Größe", ("Größe",))
    assert [(each.name, each.raw) for each in parsed.embedded] == [("terms.txt", b"Two years. " * 500)]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        ({0x1013: b"<p>They <b>swim</b> at night.</p>"}, {}),
        ({0x1013: "<p>Gr\u00f6\u00dfe: They swim at night.</p>".encode("cp1252"), 0x1000: "They"}, {0x3FDE: 1252}),
        ({0x1000: "They swim at night.", 0x1013: b"<img src=x>"}, {}),
        ({0x1009: compressed_rtf.compress(rb"{\rtf1\ansi They swim at night.}")}, {}),
        ({0x1000: "They swim at night.", 0x1009: b"damaged"}, {}),
    ],
    ids=["html", "charset of html", "html of a picture", "rtf", "damaged rtf"],
)
def test_outlook_mail_is_read_in_its_richest_form_that_has_text(
    texts: dict[int, str | bytes], numbers: dict[int, int]
) -> None:
    assert "They swim at night." in msg.read(ole(message({0x37: "x", **texts}, numbers=numbers)), "a.msg").text


def test_outlook_mail_without_unicode_is_in_its_code_page() -> None:
    tree = {**message({}, numbers={0x3FFD: 1251}), "__substg1.0_1000001E": "Паром в шесть".encode("cp1251")}
    assert msg.read(ole(tree), "a.msg").text == "Паром в шесть"


def test_mail_inside_an_outlook_mail_keeps_its_sender_and_subject() -> None:
    inner = message({0x37: "The winch", 0x0C1A: "Ida", 0x1000: "It turns."}, header=24)
    outer = message(
        {0x37: "Fwd", 0x1000: "See below."},
        inside={"__attach_version1.0_#00000000": {**message({}, header=8), "__substg1.0_3701000D": inner}},
    )
    parsed = msg.read(ole(outer), "a.msg")
    assert parsed.text == "Subject: Fwd\n\nSee below.\n\nFrom: Ida\nSubject: The winch\n\nIt turns."
    assert parsed.sections[1].path == ("Fwd", "The winch")


def test_damaged_outlook_mail_is_refused_or_read_and_never_fails_otherwise() -> None:
    dice = random.Random(3)
    for _ in range(300):
        raw = bytearray(OUTLOOK_MAIL)
        for _ in range(dice.randint(1, 20)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        try:
            msg.read(bytes(raw[: dice.choice((len(raw), 3_000))]), "a.msg")
        except Unreadable:
            continue


def test_outlook_mail_that_claims_parts_of_impossible_size_is_refused() -> None:
    raw = bytearray(OUTLOOK_MAIL)
    raw[32:34] = (0x1006).to_bytes(2, "little")  # the small parts of the file have two to this power bytes
    with pytest.raises(Unreadable, match="E_PARSE"):
        msg.read(bytes(raw), "a.msg")


def test_ole_file_without_a_message_is_refused() -> None:
    with pytest.raises(Unreadable, match="E_PARSE"):
        msg.read(ole({"WordDocument": b"x" * 5_000}), "a.msg")


SAVED_PAGE = b"""From: <Saved by Blink>
Subject: =?utf-8?q?W=C3=A4rme?=
MIME-Version: 1.0
Content-Type: multipart/related; type="text/html"; boundary="b"

--b
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable

<html lang=3D"de"><meta charset=3D"utf-8"><h1>Otter</h1><p>Sie schwimmen fr=C3=BCh.</p></html>
--b
Content-Type: image/png
Content-Location: https://example.org/a.png

picture
--b
Content-Type: text/html

<p>A frame.</p>
--b--
"""


def test_saved_page_is_read_with_its_frames_and_without_its_headers() -> None:
    parsed = mht.read(SAVED_PAGE, "a.mht")
    assert (parsed.text, parsed.title, parsed.language) == (
        "Otter\n\nSie schwimmen früh.\n\nA frame.", "Wärme", "de"
    )  # fmt: skip
    assert parsed.sections[0].path == ("Otter",)


@pytest.mark.parametrize("raw", [b"\n", b"MIME-Version: 1.0\n\ntext"])
def test_file_without_a_page_is_no_saved_page(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        mht.read(raw, "a.mht")
