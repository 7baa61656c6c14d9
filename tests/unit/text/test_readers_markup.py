"""Readers of markup languages: TeX, BibTeX, pages of manuals, Texinfo, and XML vocabularies."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import quote

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.markup import bib, man, tex, texinfo, xml


def _paths(parsed: Parsed) -> list[tuple[str, ...]]:
    return [section.path for section in parsed.sections]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"M\"uller M\"{u}ller \'{e}t\'e \c{C}a fa\c cade na\"\i ve \v{s} \H{o} "
        r"\aa{} \ss e", "Müller Müller été Ça façade naïve š ő å ße"),
        (r"5\,\% -- or --- ``so'' 9~am \& \$1 a\_b \{x\}", "5 % – or — “so” 9 am & $1 a_b {x}"),
        (r"\textbf{bold} {\it it} \unknown{kept} \LaTeX{} ok", "bold it kept LaTeX ok"),
        (r"see \cite[p.~3]{a,b}, \ref{x} and \url{http://a.b/c_d} "
        r"\href{http://x}{here}", "see [a,b, p. 3], and http://a.b/c_d here (http://x)"),
        (r"$\frac{a}{b} \leq \alpha_1$", "$a/b ≤ α_1$"),
        ("one % comment\ntwo", "one two"),
        ("one\n\n\ntwo\\par three", "one\n\ntwo\n\nthree"),
        (r"a\footnote{See \emph{b}.} c", "a c\n\nFootnote: See b."),
        (r"\begin{enumerate}\item a\begin{itemize}\item b\end{itemize}\item[x] "
        r"c\end{enumerate}", "1. a\n  - b\n2. x: c"),
        ("\\begin{tabular}{ll}A & B\\\\ \\hline\n1 & 2\\\\[2pt] 3 & \\end{tabular}", "A | B\n1 | 2\n3"),
        ("\\begin{verbatim}\n a % {b}\n\\end{verbatim}", " a % {b}"),
        (r"x\begin{tikzpicture}\draw no;"
        r"\end{tikzpicture}\begin{comment}no\end{comment}\label{no}\vspace{1cm} y", "x\n\ny"),
        (r"\verb|a_b{| \textcolor{red}{seen} \multicolumn{2}{l}{wide}", "a_b{ seen wide"),
    ],
)  # fmt: skip
def test_tex_is_read_as_it_is_set(source: str, text: str) -> None:
    assert tex.read(source.encode(), "a.tex").text == text


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        (r"\newcommand{\pump}{PX~200}", "The PX 200 and the PX 200."),
        (r"\renewcommand*\pump{\textbf{PX} \'etage}", "The PX étage and the PX étage."),
        (r"\def\maker{Otto}\def\pump{\maker's pump}", "The Otto's pump and the Otto's pump."),
        (r"\def\pump#1{no}", "The and the."),
    ],
)
def test_tex_command_of_the_author_is_the_text_that_it_stands_for(definition: str, text: str) -> None:
    source = (
        rf"\documentclass{{article}}{definition}\begin{{document}}\section{{On \pump}}The \pump{{}} and the \pump."
    )
    parsed = tex.read(source.encode(), "a.tex")
    assert parsed.text.split("\n\n")[1].replace(" .", ".") == text
    assert tex.read(rf"{definition} The \pump{{}} and the \pump.".encode(), "a.tex").text.replace(" .", ".") == text


def test_tex_document_has_a_title_headings_and_lines() -> None:
    source = (
        "\\documentclass{article}\n\\newcommand{\\no}[1]{no #1}\n\\title{The \\emph{Harbour}}\n\\author{Ann}\n"
        "\\begin{document}\n\\maketitle\n\\section[short]{Ferries\\label{x}}\nText.\n\\subsection*{Tugs}\n\nMore.\n"
        "\\end{document}\nno"
    )
    parsed = tex.read(source.encode(), "a.tex")
    assert parsed.text == "The Harbour\n\nAnn\n\nFerries\n\nText.\n\nTugs\n\nMore."
    assert (parsed.title, _paths(parsed)) == ("The Harbour", [("Ferries",), ("Ferries", "Tugs")])
    assert parsed.line(parsed.text.index("More")) == 11


@pytest.mark.parametrize(
    "hostile", ["\\", "{", "\\section{", "\\frac", "$", "\\begin{x}", "\\item[", "\\'{", "\\footnote{", "\\def\\a{"]
)
def test_tex_hostile_repetition_ends(hostile: str) -> None:
    assert tex.read((f"end {hostile * 3000}").encode(), "a.tex").text.startswith("end")


def test_bibtex_entries_are_sections_with_their_fields() -> None:
    parsed = bib.read(
        rb"""@string{acm = "ACM Press"}
@comment{no}
@article{smith2020,
  author = {Smith, Ann and M{\"u}ller, Bob},
  title = "The {O}tter \& its {\it river}",
  journal = acm # " Letters", year = 2020, pages={1--9}, file = {no}}
@book(x1, title={Z}""",
        "a.bib",
    )
    assert parsed.text == (
        "The Otter & its river\nsmith2020 (article)\nAuthor: Smith, Ann; Müller, Bob\nJournal: ACM Press Letters\n"
        "Year: 2020\nPages: 1–9\n\nZ\nx1 (book)"
    )
    assert _paths(parsed) == [("The Otter & its river",), ("Z",)]
    assert parsed.line(0) == 3


MAN = rb""".\" a comment
.TH FOO 1 "May 2026"
.SH NAME
foo \- do \fBbar\fR things\(em\(bq
.SH "TWO WORDS"
.B foo
[\fB\-a\fR] [\fI\,file\/\fR ...]
.TP
.BR \-a ", " \-\-all
Show
all\&.
.IP \(bu 2
bullet
.IP tag
text
.nf
  code
    more
.fi
.SS Sub
See
.BR bar (1),
.BR baz (2).
.de XX
no
..
.TS
l l.
a	b
.TE
"""
MDOC = rb""".Dd May 1, 2026
.Dt FOO 1
.Os
.Sh NAME
.Nm foo
.Nd do things
.Sh SYNOPSIS
.Nm
.Op Fl a Ar file
.Sh DESCRIPTION
The
.Nm
utility reads
.Pa /etc/foo .
.Bl -tag
.It Fl a
Show.
.El
See
.Xr bar 1 .
"""


def test_man_page_is_read_as_it_is_shown() -> None:
    parsed = man.read(MAN, "foo.1")
    assert parsed.text == (
        "NAME\n\nfoo - do bar things—\n\nTWO WORDS\n\nfoo [-a] [file ...]\n\n-a, --all\n\nShow all.\n\n- "
        "bullet\n\ntag\n\n"
        "text\n  code\n    more\n\nSub\n\nSee bar(1), baz(2).\n\na | b"
    )
    assert (parsed.title, _paths(parsed)) == (
        "FOO(1)",
        [
            ("NAME",),
            ("TWO WORDS",),
            ("TWO WORDS", "-a, --all"),
            ("TWO WORDS", "tag"),
            ("TWO WORDS", "Sub"),
        ],
    )
    assert parsed.line(parsed.text.index("bullet")) == 12


def test_mdoc_page_is_read_as_it_is_shown() -> None:
    parsed = man.read(MDOC, "foo.1")
    assert parsed.text == (
        "NAME\n\nfoo\n\ndo things\n\nSYNOPSIS\n\nfoo [-a file]\n\nDESCRIPTION\n\nThe foo utility reads /etc/foo.\n\n"
        "-a\n\nShow.\n\nSee bar(1)."
    )


@pytest.mark.parametrize(
    "source",
    [
        ".SH B\n.TP\n.B \\-a\nOne.\n.IP\nTwo.\n.RS\n.TP\n.B x\nIn.\n.RE\n.IP\nThree.\n.TP\n1.\nNo.\n.PP\nEnd.\n",
        ".Sh B\n.Bl -tag\n.It Fl a\nOne.\n.Pp\nTwo.\n.Bl -tag\n.It x\nIn.\n.El\nThree.\n.It 1.\nNo.\n.El\nEnd.\n",
    ],
)
def test_tag_of_a_man_page_is_a_heading_up_to_the_end_of_its_description(source: str) -> None:
    parsed = man.read(source.encode(), "a.1")
    assert [(parsed.text[each.start :].split("\n")[0], each.path) for each in parsed.sections] == [
        ("B", ("B",)),
        ("-a", ("B", "-a")),
        ("x", ("B", "-a", "x")),
        ("Three.", ("B", "-a")),
        ("End.", ("B",)),
    ]


def test_rows_of_a_table_in_a_man_page_are_no_headings() -> None:
    parsed = man.read(
        b".Sh KEYS\n.Bl -column key use\n.It a Ta add\n.It b Ta bend\n.El\n.Bl -tag\n.It c\nCut.\n.El\n", "a.1"
    )
    assert _paths(parsed) == [("KEYS",), ("KEYS", "c")]


def test_texinfo_is_read_as_it_is_shown() -> None:
    source = """\\input texinfo
@settitle Otters
@node Top
@ifnottex
@top Otters
@end ifnottex
@menu
* no::
@end menu
@chapter The @code{swim}
Use @command{a @var{b}}, @pxref{C,,Chapter C} @dots{} M@"uller@footnote{Note.} a@@b @{x@}. @c no
@cindex no
@enumerate
@item one
@item two
@end enumerate
@table @option
@item -a
Show.
@end table
@deffn Command go {to place}
@end deffn
@example
  x @{
@end example
"""
    parsed = texinfo.read(source.encode(), "a.texi")
    assert parsed.text == (
        "Otters\n\nThe swim\n\nUse a b, see Chapter C … Müller a@b {x}.\n\nFootnote: Note.\n1. one\n2. "
        "two\n\n-a\n\nShow.\n\n"
        "Command go to place\n  x {"
    )
    assert (parsed.title, _paths(parsed)) == (
        "Otters",
        [("Otters",), ("The swim",), ("The swim", "-a"), ("The swim", "Command go to place"), ("The swim",)],
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "<article xmlns='http://docbook.org/ns/docbook'><title>Otters</title><sect1><title>To <emphasis>"
            "swim</emphasis>"
            "</title><para>Use <command>ls</command> now<footnote><para>Not always.</para></footnote>.</para>"
            "<orderedlist><listitem><para>one</para><itemizedlist><listitem><para>a</para></listitem></itemizedlist>"
            "</listitem><listitem><para>two</para></listitem></orderedlist><programlisting>\nif x:\n    y\n"
            "</programlisting><table><title>Uses</title><tgroup><thead><row><entry>Name</entry><entry>"
            "Use</entry></row>"
            "</thead><tbody><row><entry>x</entry><entry><para>y</para></entry></row></tbody></tgroup></table>"
            "<indexterm><primary>no</primary></indexterm></sect1></article>",
            "Otters\n\nTo swim\n\nUse ls now.\n\nFootnote: Not always.\n\n1. one\n  - a\n2. two\n\nif x:\n   "
            " y\n\nUses\n\n"
            "Name | Use\nx | y",
        ),
        (
            "<FictionBook><description><title-info><genre>no</genre><author><first-name>Ann</first-name>"
            "<last-name>Bee</last-name></author><book-title>River</book-title></title-info></description>"
            "<body><title>"
            "<p>River</p><p>A tale</p></title><section><title><p>One</p></title><p>He <emphasis>swam</emphasis>.</p>"
            "<poem><stanza><v>a</v><v>b</v></stanza></poem></section></body><binary>no</binary></FictionBook>",
            "Ann Bee\n\nRiver\n\nRiver A tale\n\nOne\n\nHe swam.\n\na\n\nb",
        ),
        (
            "<!DOCTYPE task PUBLIC '-//OASIS//DTD DITA Task//EN' 'task.dtd'><task><title>Install</title>"
            "<taskbody><steps>"
            "<step><cmd>Open <uicontrol>File</uicontrol></cmd></step><step><cmd>Save</cmd></step></steps>"
            "</taskbody></task>",
            "Install\n\n1. Open File\n2. Save",
        ),
        (
            "<TEI><text><body><div><head>One</head><p>He <hi>swam</hi>.</p><lg><l>a</l><l>b</l></lg></div>"
            "</body></text></TEI>",
            "One\n\nHe swam.\n\na\n\nb",
        ),
    ],
)  # fmt: skip
def test_xml_of_texts_is_read_by_the_meaning_of_its_elements(source: str, text: str) -> None:
    assert xml.read(source.encode(), "a.xml").text == text


def test_xml_with_the_same_names_in_data_keeps_its_attributes() -> None:
    assert xml.read(b"<book id='1'><price>5</price></book>", "a.xml").text == "book id=1\nprice: 5"


def test_svg_gives_its_texts() -> None:
    source = (
        "<svg xmlns='http://www.w3.org/2000/svg' width='9'><title>Flow</title><style>.no{}</style><path d='M0'/>"
        "<text x='1'>Start<tspan x='1' dy='2'>here</tspan></text><defs><text>no</text></defs><text>E<tspan>"
        "nd</tspan></text></svg>"
    )
    assert xml.read(source.encode(), "a.svg").text == "Flow\nStart here\nEnd"


def _deflated(text: str) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(packer.compress(quote(text).encode()) + packer.flush()).decode()


def test_drawio_gives_the_labels_of_each_page() -> None:
    page = "<mxGraphModel><root><mxCell value='{}'/><UserObject label='Link'/></root></mxGraphModel>"
    source = (
        f"<mxfile><diagram name='One'>{page.format('Start&lt;br&gt;here')}</diagram>"
        f"<diagram name='Two'>{_deflated(page.format('Packed'))}</diagram></mxfile>"
    )
    parsed = xml.read(source.encode(), "a.drawio")
    assert parsed.text == "One\nStart here\nLink\n\nTwo\nPacked\nLink"
    assert _paths(parsed) == [("One",), ("Two",)]


def test_drawio_page_that_does_not_unpack_is_refused() -> None:
    for data, code in (("AAAA", "E_PARSE"), (_deflated(" " * (6 << 20)), "E_ZIP_BOMB")):
        with pytest.raises(Unreadable, match=code):
            xml.read(f"<mxfile><diagram>{data}</diagram></mxfile>".encode(), "a.drawio")


def test_opml_gives_its_entries_with_notes_and_addresses() -> None:
    source = (
        "<opml><head><title>Feeds</title></head><body><outline text='News'>"
        "<outline title='A' xmlUrl='http://a/rss' _note='nice&#10;one'/></outline><outline text='B'/></body></opml>"
    )
    parsed = xml.read(source.encode(), "a.opml")
    assert (parsed.title, parsed.text) == ("Feeds", "- News\n  - A (http://a/rss)\n    nice\n    one\n- B")


def test_mediawiki_dump_gives_its_pages() -> None:
    source = (
        "<mediawiki><siteinfo><sitename>Zoo</sitename></siteinfo><page><title>Otter</title><id>5</id><revision>"
        "<text>Intro\n== Food ==\nFish</text></revision></page></mediawiki>"
    )
    parsed = xml.read(source.encode(), "a.xml")
    assert (parsed.title, parsed.text, _paths(parsed)) == ("Zoo", "Otter\n\nIntro\n== Food ==\nFish", [("Otter",)])
