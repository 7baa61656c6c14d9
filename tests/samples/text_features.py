"""Files of text, records and old Office programs with the features that readers are asked for; see `features`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from tests.samples import data_files, markups, office, ole, sheets
from tests.samples.pdf import drawn as pdf_pages
from tests.samples.pdf import page_content

Word = Callable[[str], str]


def _restructured(word: Word) -> bytes:
    return (
        f"{word('heading')}\n{'=' * 30}\n\n{word('paragraph')} `{word('link')} <http://x/{word('link target')}>`_\n\n"
        f"* {word('list item')}\n\n.. {word('comment')}\n\n::\n\n   {word('code')}\n"
    ).encode()


def _asciidoc(word: Word) -> bytes:
    return (
        f"= {word('heading')}\n\n{word('paragraph')} http://x[{word('link')}]\n\n* {word('list item')}\n\n"
        f"// {word('comment')}\n\n----\n{word('code')}\n----\n"
    ).encode()


def _plain(word: Word) -> bytes:
    return f"2026-01-02 {word('line of a log')}\n\n{word('paragraph')}\n".encode()


def _code(word: Word) -> bytes:
    return (
        f'package a\n\n// {word("comment")}\nfunc {word("function")}() string {{ return "{word("string")}" }}\n\n'
        f"type {word('type')} struct {{ {word('field')} int }}\n"
    ).encode()


def _python(word: Word) -> bytes:
    return (
        f'class {word("class")}:\n    """{word("docstring")}."""\n\n'
        f"    def {word('method')}(self):  # {word('comment')}\n"
        f'        return "{word("string")}"\n'
    ).encode()


def _json(word: Word) -> bytes:
    return json.dumps([{word("key"): word("value"), "more": [{"deep": word("nested value")}]}]).encode()


def _yaml(word: Word) -> bytes:
    return (
        f"{word('key')}:\n  deep: {word('value')}  # {word('comment')}\n  list:\n  - {word('list item')}\n".encode()
    )


def _csv(word: Word) -> bytes:
    return f"{word('title row')}\n\n{word('name of a column')},kg\n{word('cell')},7\n".encode()


def _org(word: Word) -> bytes:
    return (
        f"#+TITLE: {word('title')}\n* {word('heading')} :{word('tag')}:\n{word('paragraph')} [[x][{word('link')}]]\n"
        f"- {word('list item')}\n# {word('comment')}\n#+BEGIN_SRC c\n{word('code')}\n#+END_SRC\n"
    ).encode()


def _wiki(word: Word) -> bytes:
    return (
        f"== {word('heading')} ==\n{word('paragraph')} [[x|{word('link')}]]\n* {word('list item')}\n"
        f"<!-- {word('comment')} -->\n{{|\n! a !! b\n|-\n| {word('table cell')} || c\n|}}\n"
        f"[[Category:{word('category')}]]\n"
    ).encode()


def _tex(word: Word) -> bytes:
    return (
        rf"\documentclass{{article}}\newcommand{{\x}}{{{word('preamble')}}}\title{{{word('title')}}}\begin{{document}}"
        rf"\section{{{word('heading')}}}{word('paragraph')}\footnote{{{word('footnote')}}} ${word('formula')}$"
        rf"\begin{{itemize}}\item {word('list item')}\end{{itemize}}"
        rf"\begin{{tabular}}{{l}}{word('table cell')} & b\\\end{{tabular}}"
        rf"\begin{{verbatim}}{word('code')}\end{{verbatim}}\input{{{word('file that it includes')}}}"
        f"% {word('comment')}\n\\end{{document}}"
    ).encode()


def _bib(word: Word) -> bytes:
    return f"@book{{{word('key')}, title = {{{word('title')}}}, note = {{{word('other field')}}}}}\n".encode()


def _man(word: Word) -> bytes:
    return (
        f".TH {word('title')} 1\n.SH {word('heading')}\n{word('paragraph')} \\fB{word('bold text')}\\fR\n"
        f".TP\n.B \\-{word('option')}\n{word('description of an option')}\n.nf\n{word('code')}\n.fi\n"
        f'.\\" {word("comment")}\n'
    ).encode()


def _texinfo(word: Word) -> bytes:
    return (
        f"@settitle {word('title')}\n@chapter {word('heading')}\n@cindex {word('entry of an index')}\n"
        f"{word('paragraph')}@footnote{{{word('footnote')}}}\n@itemize\n@item {word('list item')}\n@end itemize\n"
        f"@menu\n* {word('entry of a menu')}::\n@end menu\n@example\n{word('code')}\n@end example\n"
        f"@c {word('comment')}\n"
    ).encode()


def _info(word: Word) -> bytes:
    return (
        f"This is {word('name of the file')}, produced by makeinfo\n\x1f\n"
        f"File: a,  Node: {word('name of a node')},  Up: A\n\n"
        f"{word('heading')}\n{'*' * len(word('heading'))}\n\n{word('paragraph')} *note {word('reference')}::.\n\n"
        f"     {word('code')}\n\n   • {word('list item')}\n\n'{word('term')}'\n     {word('description')}\n\n"
        f" -- Function: {word('function')} (X)\n     {word('description of a function')}\n\n"
        f"* Menu:\n\n* {word('entry of a menu')}::\n"
    ).encode()


def _vim_help(word: Word) -> bytes:
    return (
        f"*a.txt*\t{word('paragraph')}\n\n====================\n1. {word('heading')}\t*{word('tag of a title')}*\n\n"
        f":Go\t{word('description')}\t*:{word('tag of an entry')}*\n\tSee |{word('link')}|: >\n\t:{word('code')}\n<\n"
        f"Key\tUse ~\na\t{word('table cell')}\n vim:ft=help:\n"
    ).encode()


def _calendar(word: Word) -> bytes:
    return (
        f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:{word('id')}\r\nSUMMARY:{word('event')}\r\n"
        f"LOCATION:{word('place')}\r\nDESCRIPTION:{word('description')}\r\n"
        f"ATTENDEE;CN={word('person')}:mailto:a@example.org\r\n"
        f"BEGIN:VALARM\r\nDESCRIPTION:{word('alarm')}\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def _contact(word: Word) -> bytes:
    return (
        f"BEGIN:VCARD\r\nFN:{word('name')}\r\nORG:{word('company')}\r\nNOTE:{word('note')}\r\n"
        f"ADR:;;{word('street')};;;;\r\nPHOTO:data:image/png;base64,{word('picture')}\r\nEND:VCARD\r\n"
    ).encode()


def _subtitles(word: Word) -> bytes:
    return (
        f"WEBVTT\n\nNOTE {word('note')}\n\n00:01.000 --> 00:02.000 position:{word('position')}\n"
        f"<b>{word('text')}</b>\n"
    ).encode()


def _warc(word: Word) -> bytes:
    page = f"<h1>{word('heading')}</h1><p>{word('text of a page')}</p>".encode()
    return markups.web_archive(page) + markups.web_archive(word("text of a picture").encode(), "image/png")


def _docbook(word: Word) -> bytes:
    return (
        f"<article xmlns='http://docbook.org/ns/docbook'><title>{word('title')}</title>"
        f"<section role='{word('attribute')}'><title>{word('heading')}</title>"
        f"<para>{word('paragraph')}<footnote><para>{word('footnote')}</para></footnote>"
        f"</para><itemizedlist><listitem><para>{word('list item')}</para></listitem></itemizedlist><programlisting>"
        f"{word('code')}</programlisting><table><row><entry>{word('table cell')}</entry></row></table></section>"
        "</article>"
    ).encode()


def _outline(word: Word) -> bytes:
    return (
        f"<opml version='2.0'><head><title>{word('title')}</title></head><body><outline text='{word('entry')}' "
        f"_note='{word('note')}' xmlUrl='http://x/{word('address')}'/></body></opml>"
    ).encode()


def _svg(word: Word) -> bytes:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg'><title>{word('title')}</title><text>{word('text')}</text>"
        f"<path d='{word('shape')}'/></svg>"
    ).encode()


def _geojson(word: Word) -> bytes:
    geometry = {"type": "Point", "coordinates": [13.4, 52.5]}
    feature = {"type": "Feature", "geometry": geometry, "properties": {word("name of a property"): word("property")}}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


def _parquet(word: Word) -> bytes:
    rows = [word("cell"), *("x" for _ in range(150)), word("row after the first 100")]
    return data_files.parquet({word("name of a column"): rows})


def _sqlite(word: Word) -> bytes:
    table = word("name of a table")
    return data_files.sqlite(
        f"create table {table}({word('name of a column')} text)",
        f"insert into {table} values('{word('cell')}')",
        f"insert into {table} with recursive n(i) as (select 1 union all select i+1 from n where i<150) "
        "select i from n",
        f"insert into {table} values('{word('row after the first 100')}')",
        f"create view {word('name of a view')} as select '{word('text of a view')}' as a",
    )


def _xls(word: Word) -> bytes:
    return sheets.old_workbook([[word("name of a column"), "kg"], [word("cell"), (7.5, 1)]], ["0.0"])


def _xlsb(word: Word) -> bytes:
    return sheets.binary_workbook([[word("name of a column"), "kg"], [word("cell"), (7.5, 1)]], ["0.0"])


def _doc(word: Word) -> bytes:
    paragraphs = [(f"{word('heading')}\r", 1, 0), (f"{word('paragraph')}\r", 0, 0)]
    return ole.old_word([*paragraphs, (f"{word('table cell')}\x07", 0, 1), ("b\x07", 0, 1), ("\x07", 0, 2)])


def _ppt(word: Word) -> bytes:
    return ole.old_slides([(word("title"), word("text"), word("notes"))])


def _pages(word: Word) -> bytes:
    preview = pdf_pages(page_content([word("text of the preview")]))
    parts: dict[str, str | bytes] = {"Index/Document.iwa": word("other text"), "QuickLook/Preview.pdf": preview}
    return office.archive(parts)


def _odp(word: Word) -> bytes:
    slide = (
        f"<draw:page><text:h text:outline-level='1'>{word('title')}</text:h><text:p>{word('text')}</text:p>"
        f"<presentation:notes xmlns:presentation='urn:oasis:names:tc:opendocument:xmlns:presentation:1.0'>"
        f"<text:p>{word('notes')}</text:p></presentation:notes></draw:page>"
    )
    return office.opendocument(slide, kind="presentation")


def _outlook(word: Word) -> bytes:
    sender = {0x0C1A: word("sender"), 0x0037: word("subject"), 0x1000: word("text")}
    tree = ole.message(sender)
    return ole.ole(
        {
            **tree,
            "__recip_version1.0_#00000000": ole.person(word("receiver"), "b@example.org"),
            "__attach_version1.0_#00000000": ole.attached(
                word("name of an attachment") + ".txt", word("text of an attachment").encode()
            ),
        }
    )


def _saved_page(word: Word) -> bytes:
    part = "--b\r\nContent-Type: {}\r\nContent-Location: {}\r\n\r\n{}\r\n"
    page = f"<title>{word('title')}</title><h1>{word('heading')}</h1><p>{word('paragraph')}</p><img src='i.png'>"
    return (
        "Content-Type: multipart/related; boundary=b\r\n\r\n"
        + part.format("text/html", "http://x/", page)
        + part.format("image/png", "i.png", word("picture"))
        + "--b--\r\n"
    ).encode()


def _archive(word: Word) -> bytes:
    return office.archive(
        {f"{word('name of a file')}.md": word("text of a file"), f"{word('name of a program')}.exe": "MZ"}
    )


def _mailbox(word: Word) -> bytes:
    mail = f"From: a@example.org\nSubject: {word('subject')}\n\n{word('text of a mail')}\n"
    return b"From a@example.org Mon Jan  5 10:00:00 2026\n" + mail.encode()


FILES: Mapping[str, Callable[[Word], bytes]] = {
    "a.rst": _restructured,
    "a.adoc": _asciidoc,
    "a.txt": _plain,
    "a.go": _code,
    "a.py": _python,
    "a.json": _json,
    "a.yaml": _yaml,
    "a.csv": _csv,
    "a.org": _org,
    "a.wiki": _wiki,
    "a.tex": _tex,
    "a.bib": _bib,
    "a.man": _man,
    "a.texi": _texinfo,
    "a.info": _info,
    "help.txt": _vim_help,
    "a.ics": _calendar,
    "a.vcf": _contact,
    "a.vtt": _subtitles,
    "a.warc": _warc,
    "a.docbook": _docbook,
    "a.opml": _outline,
    "a.svg": _svg,
    "a.geojson": _geojson,
    "a.parquet": _parquet,
    "a.sqlite": _sqlite,
    "a.xls": _xls,
    "a.xlsb": _xlsb,
    "a.doc": _doc,
    "a.ppt": _ppt,
    "a.pages": _pages,
    "a.odp": _odp,
    "a.msg": _outlook,
    "a.mht": _saved_page,
    "a.zip": _archive,
    "a.mbox": _mailbox,
}
