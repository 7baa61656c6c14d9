"""Formulas as one line of text."""

from __future__ import annotations

import pytest

from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, parse_xml
from omni_pipelines.text.readers.office import docx
from omni_pipelines.text.readers.office.formula import Formula
from tests.samples.office import docx as make


class _Handler(XmlHandler):
    def __init__(self) -> None:
        self.formula = Formula()

    def start(self, name: str, attributes: Attributes) -> None:
        self.formula.start(name, attributes)

    def end(self, name: str) -> None:
        self.formula.end()

    def text(self, data: str) -> None:
        self.formula.add(data)


def r(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def e(text: str) -> str:
    return f"<m:e>{r(text)}</m:e>"


@pytest.mark.parametrize(
    ("inside", "line"),
    [
        (f"<m:f><m:num>{r('12')}</m:num><m:den>{r('34')}</m:den></m:f>", "12/34"),
        (f"<m:f><m:num>{r('a+b')}</m:num><m:den>{r('c')}</m:den></m:f>", "(a+b)/c"),
        (f"<m:sSup>{e('x')}<m:sup>{r('2')}</m:sup></m:sSup>{r('+1')}", "x^2+1"),
        (f"<m:sSubSup>{e('x')}<m:sub>{r('i')}</m:sub><m:sup>{r('10')}</m:sup></m:sSubSup>", "x_i^10"),
        (f"<m:rad><m:radPr/><m:deg/>{e('x+1')}</m:rad>", "√(x+1)"),
        (f"<m:rad><m:deg>{r('3')}</m:deg>{e('x')}</m:rad>", "∛(x)"),
        (
            f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{r('i=1')}</m:sub><m:sup>{r('n')}</m:sup>{e('i')}"
            "</m:nary>",
            "∑_(i=1)^n i",
        ),
        (f"<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=']'/></m:dPr>{e('a')}{e('b')}</m:d>", "[a|b]"),
        (f"<m:func><m:fName>{r('sin')}</m:fName>{e('x')}</m:func>", "sin x"),
        (f"<m:m><m:mr>{e('1')}{e('2')}</m:mr><m:mr>{e('3')}{e('4')}</m:mr></m:m>", "[1, 2; 3, 4]"),
        (f"<m:limLow>{e('lim')}<m:lim>{r('x→0')}</m:lim></m:limLow>", "lim_(x→0)"),
    ],
)
def test_office_formula_is_one_line(inside: str, line: str) -> None:
    body = f"<w:p><m:oMath>{inside}</m:oMath></w:p>"
    assert docx.read(make(body), "a.docx").text == line


@pytest.mark.parametrize(
    ("inside", "line"),
    [
        ("<mfrac><mn>1</mn><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></mfrac>", "1/(n+1)"),
        ("<msup><mi>e</mi><mrow><mi>i</mi><mi>π</mi></mrow></msup>", "e^iπ"),
        ("<msqrt><mi>x</mi></msqrt><mroot><mi>x</mi><mn>3</mn></mroot>", "√(x)∛(x)"),
        ("<semantics><mi>x</mi><annotation>{x}</annotation></semantics>", "x"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>", "∑_i^n"),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>", "[1, 2]"),
    ],
)
def test_mathml_is_one_line(inside: str, line: str) -> None:
    handler = _Handler()
    parse_xml(f"<math>{inside}</math>".encode(), handler)
    assert handler.formula.line() == line
