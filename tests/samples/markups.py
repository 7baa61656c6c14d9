"""The manuscript in languages of markup, and small files of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.samples.manuscript import Part

Table = list[list[str]]

VALID: dict[str, list[bytes]] = {
    "org": [b"#+TITLE: Tiere\n* TODO River :work:\nHerons [[a][wait]].\n#+BEGIN_SRC c\n* no\n#+END_SRC\n"],
    "mediawiki": ["Intro\n== ''Fluß'' ==\n<nowiki>\n== no ==\n</nowiki>\n[[Category:A]]\n".encode()],
    "tex": [
        rb"\documentclass{a}\title{Ti\"ere}\begin{document}\section{A}x\footnote{y} $\frac{a}{b}$"
        rb"\begin{tabular}{l}a & b\\\end{tabular}\begin{itemize}\item c\end{itemize}\end{document}"
    ],
    "bibtex": [b'@string{a = "b"}\n@book{x, title = {T {\\"u}}, author = "A and B", series = a # {c}}\n'],
    "man": [
        b'.\\" c\n.TH FOO 1\n.SH NAME\nfoo \\- \\fBbar\\fR\n.TP\n.BR \\-a ", " \\-b\nShow\n.nf\n x\n.fi\n',
        b".Dd May 1\n.Dt FOO 1\n.Sh NAME\n.Nm foo\n.Nd bar\n.Op Fl a Ar b\n.Bl -tag\n.It Fl a\nShow.\n.El\n",
    ],
    "texinfo": [b"@chapter A\n@code{x @var{y}}@footnote{z}\n@itemize\n@item b\n@end "
    b"itemize\n@example\nc\n@end example\n"],
    "info": [
        b"This is a.info, produced by makeinfo\n\n\x1f\nFile: a.info,  Node: B,  Up: Top\n\n1 B\n***\n\n"
        b"See *note C::.\n\n* Menu:\n\n* C::\n\n\x1f\nFile: a.info,  Node: C,  Up: B\n\n"
        b"1.1 C\n=====\n\n'-a'\n     Show.\n\n          x\n\n"
        b" -- Function: f (X)\n     Do.\n\n   * d\n\x1f\nTag Table:\nNode: B\x7f5\n"
    ],
    "vim_help": [b"*a.txt*\tX\n\n====================\n1. B\t*b*\n\n"
    b"'o' 'p'\tnumber\t*'o'*\n\tA |b|: >\n\t:set o\n<\nK\tU ~\nx\ty\n"],
    "calendar": [
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Fl\r\n uß\r\nDUE:20260102\r\nEND:VEVENT".encode(),
        b"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:Ann M=C3=BC=\nller\nTEL;CELL:1\nEND:VCARD\n",
    ],
    "subtitles": [
        b"1\n00:00:01,000 --> 00:00:02,000\n<i>Otters</i>\nswim.\n\n",
        b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\n",
    ],
    "warc": [
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://x/\r\nContent-Type: application/http\r\n"
        b"Content-Length: 59\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>A</h1><p>b\r\n\r\n"
    ],
}  # fmt: skip


def _lines(part: Part) -> list[str]:
    return [*part.paragraphs, *part.items]


def _joined(head: str, heading: str, tail: str) -> Callable[[list[Part]], bytes]:
    """Paragraphs with blank lines between them."""

    def write(parts: list[Part]) -> bytes:
        texts = ["\n\n".join([heading.format(part.heading), *_lines(part)]) for part in parts]
        return "\n\n".join([head, *texts, tail, ""]).encode()

    return write


def _tex(parts: list[Part], title: str, table: Table) -> bytes:
    def coded(text: str) -> str:
        return text.replace("%", "\\%").replace('"', "''")

    texts = ["\n\n".join([f"\\section{{{p.heading}}}", *map(coded, _lines(p))]) for p in parts]
    cells = "\\\\\n".join(" & ".join(map(coded, row)) for row in table)
    head = f"\\documentclass{{article}}\\title{{{title}}}\\begin{{document}}"
    tail = f"\\begin{{tabular}}{{lll}}{cells}\\end{{tabular}}\\end{{document}}"
    return "\n\n".join([head, *texts, tail, ""]).encode()


def _man(parts: list[Part], title: str, rows: list[str]) -> bytes:
    texts = ["\n.PP\n".join([f'.SH "{part.heading}"', *_lines(part)]) for part in parts]
    return "\n".join([f'.TH "{title}"', *texts, ".nf", *rows, ""]).encode()


def _info(parts: list[Part], title: str, rows: list[str]) -> bytes:
    nodes = [
        (title, []),
        *((part.heading, _lines(part)) for part in parts),
        ("Table", [" " * 5 + row for row in rows]),
    ]
    texts = [
        "\n\n".join([f"File: a.info,  Node: {heading}", f"{heading}\n{'*' * len(heading)}", *lines])
        for heading, lines in nodes
    ]
    return "\n\n\x1f\n".join(["This is a.info, produced by makeinfo", *texts, ""]).encode()


def _bibtex(parts: list[Part], rows: list[str]) -> bytes:
    entries = [f"@misc{{k, title={{{p.heading}}}, note={{{' '.join(_lines(p))}}}}}" for p in parts]
    return "\n".join([*entries, f"@misc{{t, note={{{' '.join(rows)}}}}}"]).replace("%", "\\%").encode()


def _calendar(parts: list[Part], title: str, rows: list[str]) -> bytes:
    def coded(text: str) -> str:
        return re.sub(r"([\\,;])", r"\\\1", text).replace("\n", "\\n")

    records = [*((part.heading, _lines(part)) for part in parts), ("Table", rows)]
    events = [
        f"BEGIN:VEVENT\r\nSUMMARY:{coded(heading)}\r\nDESCRIPTION:{coded(chr(10).join(texts))}\r\nEND:VEVENT"
        for heading, texts in records
    ]
    return "\r\n".join(["BEGIN:VCALENDAR", f"X-WR-CALNAME:{title}", *events, "END:VCALENDAR", ""]).encode()


def _subtitles(parts: list[Part], rows: list[str]) -> bytes:
    said = [*(line for part in parts for line in (part.heading, *_lines(part))), *rows]
    cues = [f"{n}\n00:00:{n % 60:02},000 --> 00:01:00,000\n{line}\n" for n, line in enumerate(said, 1)]
    return "\n".join(cues).encode()


def web_archive(page: bytes, kind: str = "text/html; charset=utf-8", headers: str = "") -> bytes:
    """An archive with the answer of a web server."""
    content = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{headers}\r\n".encode() + page
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://example.org/\r\n"
        f"Content-Type: application/http\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n\r\n"


def writers(
    title: str, table: Table, html: Callable[[list[Part]], bytes]
) -> dict[str, Callable[[list[Part]], bytes]]:
    """File names to functions that write the manuscript."""
    rows = [" ".join(row) for row in table]
    return {
        "a.org": _joined(f"#+TITLE: {title}", "* {}", "\n".join(f"| {' | '.join(row)} |" for row in table)),
        "a.wiki": _joined(f"= {title} =", "== {} ==", "\n\n".join(rows)),
        "a.tex": lambda parts: _tex(parts, title, table),
        "a.bib": lambda parts: _bibtex(parts, rows),
        "a.man": lambda parts: _man(parts, title, rows),
        "a.texi": _joined(f"@settitle {title}", "@chapter {}", "@display\n" + "\n".join(rows) + "\n@end display"),
        "a.info": lambda parts: _info(parts, title, rows),
        "a.ics": lambda parts: _calendar(parts, title, rows),
        "a.srt": lambda parts: _subtitles(parts, rows),
        "a.warc": lambda parts: web_archive(html(parts)),
    }
