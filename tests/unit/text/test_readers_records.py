"""Readers of records: calendars, contacts, subtitles and web archives."""

from __future__ import annotations

import gzip

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.readers.formats import UNKNOWN
from omni_pipelines.text.readers.records import content_lines, subtitles, warc
from omni_pipelines.text.readers.registry import reader_by_content
from tests.samples.markups import web_archive

PAGE = "<title>Zoo</title><p>Größe"
CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
X-WR-CALNAME:Team\r
BEGIN:VTIMEZONE\r
TZID:Europe/Berlin\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
UID:no\r
SUMMARY:Board meeting\\, May\r
DTSTART;TZID=Europe/Berlin:20260102T090000\r
DTEND:20260102T110000Z\r
DESCRIPTION:Bring the rep\r
 ort.\\nAnd coffee\r
ATTENDEE;CN="Ann, B":mailto:ann@example.org\r
BEGIN:VALARM\r
DESCRIPTION:no\r
END:VALARM\r
END:VEVENT\r
BEGIN:VTODO\r
SUMMARY:Report\r
DUE;VALUE=DATE:20260103\r
END:VTODO\r
END:VCALENDAR\r
"""


def test_calendar_gives_each_event_and_task_as_a_section() -> None:
    parsed = content_lines.read(CALENDAR.encode(), "a.ics")
    assert parsed.text == (
        "Board meeting, May\nStart: 2026-01-02 09:00 Europe/Berlin\nEnd: 2026-01-02 11:00 UTC\n"
        "Description: Bring the report.\nAnd coffee\nAttendee: Ann, B <ann@example.org>\n\nReport\nDue: 2026-01-03"
    )
    assert (parsed.title, [section.path for section in parsed.sections]) == (
        "Team",
        [("Board meeting, May",), ("Report",)],
    )
    assert parsed.line(parsed.text.index("And coffee")) == 12


@pytest.mark.parametrize(
    "card",
    [
        "BEGIN:VCARD\nVERSION:4.0\nFN:Ann Müller\nTEL;TYPE=cell:+49 "
        "1\nEMAIL:ann@example.org\nPHOTO:data:image/png;base64,AA\nEND:VCARD\n",
        "BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Ann M=C3=BC=\nller\nTEL;CELL:+49 1\n"
        "item1.EMAIL:ann@example.org\nPHOTO;ENCODING=b:AAAA\n BBBB\nEND:VCARD\n",
        "BEGIN:VCARD\nFN;CHARSET=iso-8859-1;ENCODING=QUOTED-PRINTABLE:Ann M=FCller\nTEL;CELL:+49 "
        "1\nEMAIL:ann@example.org\n",
    ],
)  # fmt: skip
def test_contact_gives_its_name_and_ways_to_reach_it(card: str) -> None:
    parsed = content_lines.read(card.encode(), "a.vcf")
    assert parsed.text == "Ann Müller\nPhone: +49 1 (cell)\nEmail: ann@example.org"
    assert [section.path for section in parsed.sections] == [("Ann Müller",)]


def test_contact_has_its_address_and_notes() -> None:
    card = (
        b"BEGIN:VCARD\nN:Bee;Ann;;;\nADR;TYPE=home:;;Str 1;Ulm;;89;DE\nORG:Ohm\\, Ltd;Sales\n"
        b"NOTE:likes\\ntea\nEND:VCARD"
    )
    text = content_lines.read(card, "a.vcf").text
    assert text == "Bee, Ann\nAddress: Str 1, Ulm, 89, DE (home)\nOrganization: Ohm, Ltd, Sales\nNote: likes\ntea"


def test_calendar_that_breaks_off_is_partial() -> None:
    parsed = content_lines.read(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:A\nLOCATION:B", "a.ics")
    assert (parsed.text, parsed.partial) == ("A\nLocation: B", "its last VEVENT does not end")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (
            "1\r\n00:01:05,000 --> 00:01:07,000\r\n<i>They</i>\r\nswim. {\\an8}\r\n\r\n2\r\n01:00:00,500 --> "
            "01:00:01,000\r\nYes.",
            "0:01:05 They swim.\n1:00:00 Yes.",
        ),
        (
            "WEBVTT\n\nNOTE no\n\nintro\n01:05.000 --> 01:07.000 align:start\n<v Ann>Hi &amp; <00:01:06.000>ho\n\n"
            "01:07.000 --> 01:08.000\n<v Ann>Hi &amp; ho\n",
            "0:01:05 Ann: Hi & ho",
        ),
    ],
)  # fmt: skip
def test_subtitles_give_what_is_said_and_when(raw: str, text: str) -> None:
    assert subtitles.read(raw.encode(), "a.srt").text == text


def test_text_without_times_is_no_subtitles() -> None:
    with pytest.raises(Unreadable, match="E_PARSE"):
        subtitles.read(b"only text", "a.srt")


@pytest.mark.parametrize(
    ("page", "kind", "headers"),
    [
        (PAGE.encode("cp1252"), "text/html; charset=windows-1252", ""),
        (gzip.compress(PAGE.encode()), "text/html; charset=utf-8", "Content-Encoding: gzip\r\n"),
        (f"1d\r\n{PAGE}\r\n0\r\n\r\n".encode(), "text/html; charset=utf-8", "Transfer-Encoding: chunked\r\n"),
    ],
    ids=["encoding", "compressed", "chunked"],
)
def test_web_archive_gives_the_text_of_its_pages(page: bytes, kind: str, headers: str) -> None:
    raw = web_archive(page, kind, headers) + web_archive(b"\x89PNG", "image/png")
    parsed = warc.read(raw, "a.warc")
    assert parsed.text == "Zoo\nhttp://example.org/\n\nGröße"
    assert parsed.partial == "1 records of the archive are no text that can be read"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (CALENDAR.encode(), "calendar"),
        (b"BEGIN:VCARD\nFN:x", "calendar"),
        (b"WEBVTT\n\n", "subtitles"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nx", "subtitles"),
        (web_archive(b"x"), "warc"),
        (b".TH FOO 1\n", "man"),
        (b'.\\" a\n\'\\" t\n.Dd May\n', "man"),
        (b'.\\" a licence\n' * 900 + b".de Sp\n.sp .5v\n..\n.if n .ds x y\n.TH FOO 1\n", "man"),
        (b'\\" a\n.TH FOO 1\n', "man"),
        (b".TL\nA paper\n.PP\nText.\n", "text"),
        (b"Text about\n.TH FOO 1\n", "text"),
        (b"% a\n\\documentclass{x}", "tex"),
        (b"\\input texinfo @c", "texinfo"),
        (b"@book{a,\n title = {b}}", "bibtex"),
        (b"#+TITLE: x", "org"),
        (b"1\nmore text", "text"),
        (b"@a friend{of, mine", "text"),
    ],
)
def test_kinds_of_text_are_known_by_how_they_begin(raw: bytes, name: str) -> None:
    assert reader_by_content(UNKNOWN, raw).name == name
