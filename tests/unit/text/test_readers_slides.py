"""The reader of PowerPoint files: what a slide shows, once, and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.office import pptx
from tests.samples.office import archive, chart, relations

_NAMESPACES = " ".join(
    f'xmlns:{prefix}="http://schemas.openxmlformats.org/{name}"'
    for prefix, name in {
        "a": "drawingml/2006/main",
        "p": "presentationml/2006/main",
        "r": "officeDocument/2006/relationships",
        "mc": "markup-compatibility/2006",
        "m": "officeDocument/2006/math",
    }.items()
)


def t(text: str, properties: str = "") -> str:
    return f"<a:p>{properties}<a:r><a:t>{text}</a:t></a:r></a:p>"


def shape(inside: str, kind: str = "", more: str = "") -> str:
    place = f"<p:ph type='{kind}'/>" if kind else ""
    return f"<p:sp><p:nvSpPr><p:cNvPr {more}/><p:nvPr>{place}</p:nvPr></p:nvSpPr>{inside}</p:sp>"


def deck(*slides: str, targets: Mapping[str, tuple[str, str]] | None = None, **parts: str) -> Parsed:
    """Slides of XML; the first has the relations `targets`. The names of the parts are not those of PowerPoint."""
    ids = "".join(f"<p:sldId r:id='s{n}' id='{300 - n}'/>" for n in range(len(slides)))
    written = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations({"d": ("officeDocument", "/talk/main.xml")}),
        "talk/main.xml": f"<p:presentation {_NAMESPACES}>{ids}</p:presentation>",
        "talk/_rels/main.xml.rels": relations(
            {f"s{n}": ("slide", f"page{n}.xml") for n in range(len(slides))} | {"w": ("commentAuthors", "people.xml")}
        ),
        "talk/_rels/page0.xml.rels": relations(targets or {}),
        "talk/people.xml": "<a><cmAuthor id='5' name='Lea'/></a>",
        **{f"talk/page{n}.xml": f"<p:sld {_NAMESPACES}>{slide}</p:sld>" for n, slide in enumerate(slides) if slide},
        **{f"talk/{name}.xml": part for name, part in parts.items()},
    }
    return pptx.read(archive(written), "a.pptx")


def test_pptx_slide_is_found_by_its_relation_and_its_own_id_does_not_matter() -> None:
    assert deck(shape(t("Herons")), shape(t("Otters"))).text == "Herons\n\nOtters"


def test_pptx_slide_that_is_missing_leaves_the_others() -> None:
    parsed = deck(shape(t("Herons")), "", shape(t("Otters")))
    assert parsed.text == "Herons\n\nOtters"
    assert parsed.partial == "slide 2 is missing"


def test_pptx_one_of_several_renderings_is_read() -> None:
    def either(new: str, old: str) -> str:
        choice, fallback = f"<mc:Choice>{new}</mc:Choice>", f"<mc:Fallback>{old}</mc:Fallback>"
        return f"<mc:AlternateContent>{choice}{fallback}</mc:AlternateContent>"

    slide = either(shape(t("new")), shape(t("old"))) + either("<p:sp/>", shape(t("kept")))
    assert deck(slide).text == "new\n\nkept"


def test_pptx_formula_and_powers_are_readable() -> None:
    fraction = "<m:f><m:num><m:r><m:t>12</m:t></m:r></m:num><m:den><m:r><m:t>34</m:t></m:r></m:den></m:f>"
    power = "<a:r><a:t>10</a:t></a:r><a:r><a:rPr baseline='30000'/><a:t>6</a:t></a:r>"
    assert deck(shape(f"<a:p><m:oMath>{fraction}</m:oMath></a:p><a:p>{power}</a:p>")).text == "12/34\n\n10^6"


def test_pptx_automatic_numbers_are_counted() -> None:
    def item(text: str, kind: str, level: int = 0) -> str:
        return t(text, f"<a:pPr lvl='{level}'><a:buAutoNum type='{kind}'/></a:pPr>")

    body = item("a", "arabicPeriod") + item("b", "arabicPeriod") + item("c", "alphaLcParenR", 1)
    body += item("d", "alphaLcParenR", 1) + item("e", "arabicPeriod") + t("f") + item("g", "arabicPeriod")
    assert deck(shape(body)).text.split("\n\n") == ["1. a", "2. b", "a) c", "b) d", "3. e", "f", "1. g"]


def test_pptx_merged_cells_are_repeated() -> None:
    def cell(text: str, more: str = "") -> str:
        return f"<a:tc {more}><a:txBody>{t(text)}</a:txBody></a:tc>"

    rows = (
        cell("Weight", "gridSpan='2'") + cell("", "hMerge='1'") + cell("x"),
        cell("North", "rowSpan='2'") + cell("1") + cell("2"),
        cell("", "vMerge='1'") + cell("3") + cell("4"),
    )
    body = "<a:tbl>" + "".join(f"<a:tr>{row}</a:tr>" for row in rows) + "</a:tbl>"
    assert deck(body).text == "Weight | Weight | x\nNorth | 1 | 2\nNorth | 3 | 4"


def test_pptx_charts_diagrams_notes_and_comments_follow_their_slide() -> None:
    diagram = "<d:m xmlns:d='d' xmlns:a='a'><d:pt><d:t><a:p><a:r><a:t>Approve</a:t></a:r></a:p></d:t></d:pt></d:m>"
    notes = f"<p:notes {_NAMESPACES}>{shape(t('7'), 'sldNum')}{shape(t('Smile.'), 'body')}</p:notes>"
    comment = "<c><cm authorId='5'><text>Too long</text></cm></c>"
    parsed = deck(
        shape(t("Herons"), "title"),
        shape(t("Otters"), "title"),
        targets={
            "n": ("notesSlide", "n.xml"),
            "c": ("comments", "c.xml"),
            "d": ("diagramData", "d.xml"),
            "h": ("chart", "h.xml"),
        },
        n=notes,
        c=comment,
        d=diagram,
        h=chart("Weights", {"kg": [("otter", 7)]}),
    )
    assert parsed.text == (
        "Herons\n\nApprove\n\nChart: Weights\n\n | kg\notter | 7\n\nNote: Smile.\n\n"
        "Comment by Lea: Too long\n\nOtters"
    )


def test_pptx_footers_are_read_once_and_numbers_of_slides_never() -> None:
    number = "<a:p><a:fld type='slidenum'><a:t>3</a:t></a:fld></a:p>"
    slide = shape(t("Herons")) + shape(t("Confidential"), "ftr") + shape(number) + shape(t("2026"), "dt")
    assert deck(slide, slide).text == "Herons\n\nFooter: Confidential\n\nHerons"


@pytest.mark.parametrize(
    ("slide", "text"),
    [
        (shape(t("no"), more="id='1' hidden='1'") + shape(t("yes")), "yes"),
        (shape("<a:p><a:r><a:rPr><a:latin typeface='Wingdings'/></a:rPr><a:t>ü</a:t></a:r></a:p>"), "✔"),
    ],
)
def test_pptx_text_is_read_as_shown(slide: str, text: str) -> None:
    assert deck(slide).text == text
