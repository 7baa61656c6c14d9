"""The reader of e-mail."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from email.message import EmailMessage

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.mails import mail, tnef
from omni_pipelines.text.readers.mails.mail_headers import decoded_words, thread_of
from tests.samples.text import MAIL

HTML, PLAIN = "<p>They <b>swim</b> at night.</p>", "They swim at night."


def read(*lines: str | bytes) -> Parsed:
    """The mail of these lines; text is written as UTF-8."""
    return mail.read(b"\r\n".join(each.encode() if isinstance(each, str) else each for each in lines), "a.eml")


def multipart(kind: str, *parts: Sequence[str | bytes]) -> Parsed:
    """A mail of several parts, each given as its lines."""
    lines = [line for part in parts for line in ("--b", *part)]
    return read("Subject: Otters", f"Content-Type: multipart/{kind}; boundary=b", "", *lines, "--b--")


def body(parsed: Parsed) -> str:
    """The text of a mail below its headers."""
    return parsed.text.partition("\n\n")[2]


def test_mail_keeps_headers_text_and_names_of_attachments() -> None:
    parsed = mail.read(MAIL, "a.eml")
    assert parsed.title == "Otters – news"
    headers, *rest = parsed.text.split("\n\n")
    assert headers == "From: Ann <ann@example.org>\nTo: bob@example.org\nSubject: Otters – news"
    assert rest == ["They swim.", "Attachments: otter.png"]


def test_mail_subject_whose_charset_has_no_valid_name_stays_as_written() -> None:
    raw = b"From: a@example.org\r\nSubject: =?\xfftf-8?q?Hello?=\r\n\r\nThe heron waits.\r\n"
    assert "The heron waits." in mail.read(raw, "letter").text


def test_mail_without_plain_text_is_read_from_its_html() -> None:
    raw = b"Subject: x\nContent-Type: text/html\n\n<p>They <b>swim</b>.</p>"
    assert mail.read(raw, "a.eml").text == "Subject: x\n\nThey swim."


@pytest.mark.parametrize(
    ("forms", "shown"),
    [
        ([["Content-Type: text/plain", "", PLAIN], ["Content-Type: text/html", "", HTML]], PLAIN),
        ([["Content-Type: text/plain", "", PLAIN], ["Content-Type: text/html", "", "<img src=x>"]], PLAIN),
        ([["Content-Type: text/plain", "", " "], ["Content-Type: text/html", "", HTML]], PLAIN),
        (
            [["Content-Type: text/plain", "", "x " * 9 + PLAIN], ["Content-Type: text/html", "", "<a>Online</a>"]],
            None,
        ),
        ([["Content-Type: text/html", "", HTML], ["Content-Type: text/x-amp-html", "", "<p>amp</p>"]], PLAIN),
        ([["Content-Type: text/enriched", "", "They <bold>swim</bold> at <<night>."]], "They swim at <night>."),
        (
            [
                ["Content-Type: text/plain", "", "They swim."],
                [
                    "Content-Type: multipart/related; boundary=c",
                    "",
                    "--c",
                    "Content-Type: text/html",
                    "",
                    HTML,
                    "--c--",
                ],
            ],
            PLAIN,
        ),
    ],
    ids=["html", "html of a picture", "blank plain text", "html that is an excerpt", "amp", "enriched", "related"],
)
def test_mail_is_read_in_its_richest_form_that_has_text(forms: list[list[str]], shown: str | None) -> None:
    assert body(multipart("alternative", *forms)) == (shown or "x " * 9 + PLAIN)


@pytest.mark.parametrize("kind", ["alternative", "mixed", "related", "signed"])
def test_mail_whose_parts_have_no_borders_keeps_its_text(kind: str) -> None:
    parsed = read("Subject: Otters", f"Content-Type: multipart/{kind}; boundary=b", "", "Otters swim.")
    assert body(parsed) == "Otters swim."


def test_table_of_a_mail_in_html_keeps_its_rows() -> None:
    table = "<table><tr><th>animal</th><th>kg</th></tr><tr><td>otter</td><td>7</td></tr></table>"
    parsed = multipart(
        "alternative", ["Content-Type: text/plain", "", "animal kg otter 7"], ["Content-Type: text/html", "", table]
    )
    assert "otter | 7" in parsed.text


def test_attachments_are_documents_of_their_own_and_named_in_the_mail() -> None:
    parsed = multipart(
        "mixed",
        ["Content-Type: text/plain", "", "See below."],
        ['Content-Type: text/plain; charset=cp1251; name="a/b.txt"', "Content-Disposition: attachment", "", "one"],
        ["Content-Type: text/plain", "Content-Disposition: inline; filename=B.txt", "", "two"],
        ["Content-Type: text/calendar", "", "BEGIN:VCALENDAR"],
        ["Content-Type: application/pdf", "Content-Disposition: attachment", "", "%PDF"],
        ["Content-Type: image/png", "", "picture in the text"],
        ["Content-Type: text/plain", "Content-Disposition: attachment; filename=b.txt", "", "three"],
        ["Content-Type: text/csv", "Content-Disposition: attachment; filename*=utf-8''%C3%BC.csv", "", "four"],
        ["Content-Type: text/csv", 'Content-Disposition: attachment; filename="=?utf-8?q?=C3=A4.csv?="', "", "five"],
    )
    assert body(parsed) == "See below.\n\nAttachments: a_b.txt, B.txt, b.txt, ü.csv, ä.csv"
    assert [(each.name, each.raw) for each in parsed.embedded] == [
        ("a_b.txt", b"one"),
        ("B.txt", b"two"),
        ("attachment.ics", b"BEGIN:VCALENDAR"),
        ("attachment.pdf", b"%PDF"),
        ("b (2).txt", b"three"),
        ("ü.csv", b"four"),
        ("ä.csv", b"five"),
    ]
    assert parsed.embedded[0].charset == "cp1251"


def _packed_by_outlook(short: str, name: str, content: bytes) -> bytes:
    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack("<BII", 2, kind, len(value)) + value + b"\0\0"

    wide = f"{name}\0".encode("utf-16-le")
    named = struct.pack("<HH16sIII", 3, 0x8001, b"g" * 16, 0, 7, 1)
    several = struct.pack("<HHIII", 0x1003, 0x1234, 2, 1, 2)
    long_name = struct.pack("<HHII", 0x1F, 0x3707, 1, len(wide)) + wide + bytes(-len(wide) % 4)
    properties = struct.pack("<I", 3) + named + several + long_name
    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(0x00069002, bytes(14))
        + attribute(0x00018010, short.encode() + b"\0")
        + attribute(0x0006800F, content)
        + attribute(0x00069005, properties)
    )


def test_attachments_that_outlook_packed_are_documents_of_their_own() -> None:
    packed = base64.b64encode(_packed_by_outlook("GRE~1.TXT", "Größe.txt", b"Two years."))
    head = ["Content-Type: application/ms-tnef; name=winmail.dat", "Content-Transfer-Encoding: base64", ""]
    parsed = multipart("mixed", ["Content-Type: text/plain", "", "See below."], [*head, packed])
    assert body(parsed) == "See below.\n\nAttachments: Größe.txt"
    assert [(each.name, each.raw) for each in parsed.embedded] == [("Größe.txt", b"Two years.")]


@pytest.mark.parametrize("length", range(0, 120, 7))
def test_damaged_file_of_outlook_gives_what_is_whole(length: int) -> None:
    found = tnef.attachments(_packed_by_outlook("a.txt", "a.txt", b"Two years.")[:length])
    assert all(name in {"", "a.txt"} for name, _ in found)


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "C:\\x.txt", "a\x00b"])
def test_name_of_an_attachment_leads_nowhere(name: str) -> None:
    message = EmailMessage()
    message["Subject"] = "x"
    message.add_attachment(b"x", maintype="application", subtype="x")
    raw = message.as_bytes().replace(b"attachment", b'attachment; filename="' + name.encode() + b'"')
    (found,) = mail.read(raw, "a.eml").embedded
    assert not {"/", "\\", "\0"} & set(found.name)
    assert found.name not in {"..", ".", ""}


def test_forwarded_mail_keeps_its_sender_and_subject() -> None:
    inner = ["From: Ida <ida@example.org>", "Subject: Re: The =?utf-8?q?w=C3=A4rmer?= winch", "Date: Monday"]
    parsed = multipart(
        "mixed",
        ["Content-Type: text/plain", "", "See below."],
        [
            "Content-Type: message/rfc822",
            "Content-Disposition: attachment; filename=x.eml",
            "",
            *inner,
            "",
            "It turns.",
        ],
        ["Content-Type: text/plain", "", "Yours"],
    )
    assert body(parsed).split("\n\n") == [
        "See below.",
        "From: Ida <ida@example.org>\nDate: Monday\nSubject: Re: The wärmer winch",
        "It turns.",
        "Yours",
    ]
    assert [section.path for section in parsed.sections] == [
        ("Otters",),
        ("Otters", "The wärmer winch"),
        ("Otters",),
    ]


def test_forwarded_mail_in_base64_keeps_its_sender_and_subject() -> None:
    inner = base64.encodebytes("From: Ida\nSubject: The winch\n\nIt turns für uns.\n".encode())
    head = ["Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", ""]
    parsed = multipart("mixed", ["Content-Type: text/plain", "", "See below."], [*head, inner])
    assert body(parsed) == "See below.\n\nFrom: Ida\nSubject: The winch\n\nIt turns für uns."


def test_mail_of_several_parts_without_a_boundary_is_text() -> None:
    assert body(read("Subject: x", "Content-Type: multipart/mixed", "", "They swim.")) == "They swim."


def test_digest_keeps_each_mail_with_its_sender() -> None:
    mails = [["Content-Type: message/rfc822", "", f"From: {name}", "", f"by {name}"] for name in ("Ann", "Bob")]
    assert body(multipart("digest", *mails)) == "From: Ann\n\nby Ann\n\nFrom: Bob\n\nby Bob"


def test_bounced_mail_keeps_the_report_and_the_headers_of_the_mail() -> None:
    parsed = multipart(
        "report",
        ["Content-Type: text/plain", "", "Not delivered."],
        ["Content-Type: message/delivery-status", "", "Action: failed"],
        ["Content-Type: text/rfc822-headers", "", "To: Ida"],
    )
    assert body(parsed).startswith("Not delivered.")
    assert "To: Ida" in parsed.text


def test_all_receivers_are_kept() -> None:
    receivers = [f"person{number}@example.org" for number in range(500)]
    parsed = read(
        "Subject: x", "To: " + ",\r\n ".join(receivers), "Cc: c@example.org", "To: d@example.org", "", "Hello."
    )
    assert parsed.text.startswith(f"To: {', '.join(receivers)}, d@example.org\nCc: c@example.org\nSubject: x")
    assert not parsed.partial


@pytest.mark.parametrize(
    ("label", "raw", "text"),
    [
        ("", "Fähre fährt ab Südkai".encode(), "Fähre fährt ab Südkai"),
        ("", "Die Fähre fährt um sieben.".encode("cp1252"), "Die Fähre fährt um sieben."),
        ("", "Паром отходит от северного причала в шесть часов утра.".encode("koi8-r"), None),
        ("us-ascii", "Die Fähre fährt – um sieben.".encode("cp1252"), "Die Fähre fährt – um sieben."),
        ("x-unknown", "größer".encode(), "größer"),
        ("unknown-8bit", "größer".encode("cp1252"), "größer"),
        ("utf8", "größer".encode(), "größer"),
        ("UTF8", "größer".encode(), "größer"),
        ("ansi", "größer".encode("cp1252"), "größer"),
        ("iso-8859-1", "10 € – „gut“".encode("cp1252"), "10 € – „gut“"),
        ("cp-850", "größer".encode("cp850"), "größer"),
        ("gb2312", "主任朱镕签字".encode("gb18030"), "主任朱镕签字"),
        ("ks_c_5601-1987", "똠방각하 펲시".encode("cp949"), "똠방각하 펲시"),
        ("iso-8859-8-i", "המחסן ליד".encode("iso8859-8"), "המחסן ליד"),
        ("iso-2022-jp", b"\x1b$B-!3t<02q<R\x1b(B.", "①株式会社."),
        ("windows-1251", "Паром в шесть".encode("cp1251"), "Паром в шесть"),
        ("nosuch", "größer".encode("cp1252"), "größer"),
    ],
)
def test_charset_of_a_mail_means_what_mail_programs_mean(label: str, raw: bytes, text: str | None) -> None:
    declaration = f"; charset={label}" if label else ""
    parsed = read("Subject: x", f"Content-Type: text/plain{declaration}", "Content-Transfer-Encoding: 8bit", "", raw)
    assert body(parsed) == (text or raw.decode("koi8-r"))


def test_html_of_a_mail_without_charset_is_in_the_one_that_it_declares_itself() -> None:
    page = '<meta charset="windows-1251"><p>Паром</p>'.encode("cp1251")
    assert body(read("Subject: x", "Content-Type: text/html", "", page)) == "Паром"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("=?utf-8?b?R3LDtg==?= =?utf-8?q?=C3=9Fe?=", "Größe"),
        ("=?utf-8?q?Gr=C3?=\r\n =?utf-8?q?=B6=C3=9Fe?= of x", "Größe of x"),
        ("=?x-unknown?q?Gr=F6=DFe?=", "Größe"),
        ("=?iso-8859-1*de?q?10_=80?=", "10 €"),
        ("=?gb2312?b?6UY=?=", "镕"),
        ("a=?utf-8?q?_b?=", "a b"),
        ("=?utf-8?b?not base64?= x", None),
        ("=?utf-8?z?a?=", "=?utf-8?z?a?="),
    ],
)
def test_encoded_words_are_decoded(header: str, text: str | None) -> None:
    found = decoded_words(header)
    assert found == text if text is not None else found.endswith(" x")


@pytest.mark.parametrize(
    ("subject", "thread"),
    [
        ("Re: Fwd: AW: Offer", "Offer"),
        ("RE[2]: Offer", "Offer"),
        ("Antw: SV: Re : Offer", "Offer"),
        ("回复：报价", "报价"),
        ("[list] Re: Offer", "[list] Re: Offer"),
        ("Report: Offer", "Report: Offer"),
        ("Re:", ""),
    ],
)
def test_thread_is_the_subject_without_marks_of_answers(subject: str, thread: str) -> None:
    assert thread_of(subject) == thread


def test_thread_is_the_heading_of_the_mail() -> None:
    assert [section.path for section in read("Subject: AW: Otters", "", "They swim.").sections] == [("Otters",)]


def test_mail_of_apple_is_read_without_its_list_of_properties() -> None:
    raw = b"Subject: x\n\nThey swim.\n"
    assert mail.read(b"%d   \n" % len(raw) + raw + b"<?xml ...><plist/>", "1.emlx").text == "Subject: x\n\nThey swim."


def test_encrypted_mail_keeps_its_headers_and_is_partial() -> None:
    parsed = multipart("encrypted; protocol=x", ["Content-Type: application/octet-stream", "", "-----BEGIN PGP"])
    assert (parsed.text, parsed.partial) == ("Subject: Otters", "its text is encrypted")


def test_signature_of_a_mail_is_no_attachment() -> None:
    parsed = multipart(
        "signed",
        ["Content-Type: text/plain", "", "Signed."],
        ["Content-Type: application/pgp-signature; name=signature.asc", "", "-----BEGIN PGP SIGNATURE-----"],
    )
    assert (body(parsed), parsed.embedded) == ("Signed.", ())


def test_file_without_headers_of_a_mail_is_refused() -> None:
    with pytest.raises(Unreadable, match="E_PARSE"):
        read("X-Other: y", "", "text")
