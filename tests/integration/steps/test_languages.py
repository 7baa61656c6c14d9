"""The language of a document: in its row, in filters, and in the stemming of its words."""

from __future__ import annotations

import pytest

from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.sql import run_sql
from tests.integration.line import Line, write
from tests.samples import office
from tests.stress.hostile.documents import pdf

GERMAN = "Die Häuser am Fluss stehen auf Pfählen, weil das Wasser im Frühjahr steigt und die Wiesen überschwemmt."
FRENCH = "Les chevaux traversent la rivière chaque matin pour brouter les prairies qui se trouvent de l'autre côté."
ENGLISH = "The houses by the river stand on poles, because the water rises in spring and floods the meadows."
PROPERTIES = '<r xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>t</dc:title><dc:language>%s</dc:language></r>'
FILES: dict[str, str | bytes] = {
    "haus.md": f"# Am Fluss\n\n{GERMAN}\n",
    "cheval.txt": FRENCH,
    "house.md": f"# By the river\n\n{ENGLISH}\n",
    "page.html": f'<html lang="nl-BE"><body><p>{ENGLISH}</p></body></html>',
    "book.epub": office.epub([f"<h1>Eins</h1><p>{ENGLISH}</p>"], title="Buch", language="ger"),
    "deep.xml": f'<doc xml:lang="it"><p>{ENGLISH}</p></doc>',
    "letter.eml": f"From: a@example.org\nSubject: River\nContent-Language: pt-BR, en\n\n{ENGLISH}\n",
    "word.docx": office.docx(office.word_paragraph(ENGLISH), parts={"docProps/core.xml": PROPERTIES % "fi"}),
    "open.odt": office.opendocument(f"<text:p>{ENGLISH}</text:p>", parts={"meta.xml": PROPERTIES % "hu"}),
    "page.pdf": pdf(catalog=b"/Lang(sv-SE)"),
    "short.md": "Haus\n",
    "river.py": f'"""{GERMAN}"""\n',
    "table.csv": "name,kg\notter,7\n",
}
EXPECTED = {
    "haus.md": "de", "cheval.txt": "fr", "house.md": "en", "page.html": "nl", "book.epub": "de",
    "deep.xml": "it", "letter.eml": "pt",
    "word.docx": "fi", "open.odt": "hu", "page.pdf": "sv", "short.md": "",
    "river.py": "python", "table.csv": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    root = tmp_path_factory.mktemp("languages")
    write(root / "files", FILES)
    line = Line(Home(root / ".omni"))
    line.add(root / "files")
    line.run()
    return line


def test_document_has_its_language_and_code_its_programming_language(line: Line) -> None:
    assert {row["path"]: row["language"] for row in line.rows("documents", "path", "language")} == EXPECTED
    assert {row["path"]: row["language"] for row in line.rows("chunks", "path", "language")} == EXPECTED


def test_second_run_changes_no_language(line: Line) -> None:
    before = line.versions()
    line.run()
    assert line.versions() == before


@pytest.mark.parametrize("mode", list(Mode))
def test_search_can_be_limited_to_a_language(line: Line, mode: Mode) -> None:
    assert {hit.path for hit in line.search("river", mode, where={"language": "en"})} == {"house.md"}
    assert {hit.path for hit in line.search("Fluss", mode, where={"language": "de"})} <= {"haus.md", "book.epub"}


def test_sql_can_group_by_language(line: Line) -> None:
    statement = "select language, count(*) from documents where language <> '' group by all order by 1"
    counts = {language: count for language, count in run_sql(line.home, statement)[1].rows}
    assert counts == {**dict.fromkeys(set(EXPECTED.values()) - {""}, 1), "de": 2}


@pytest.mark.parametrize(("query", "path"), [("Haus", "haus.md"), ("cheval", "cheval.txt"), ("house", "house.md")])
def test_inflected_word_is_found_without_naming_the_language(line: Line, query: str, path: str) -> None:
    assert path in {hit.path for hit in line.search(query, Mode.KEYWORD)}
