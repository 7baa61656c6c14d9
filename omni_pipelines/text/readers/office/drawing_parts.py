"""Charts and diagrams (SmartArt) of Office files: the titles, the values as a table, the texts of the shapes."""

from dataclasses import dataclass, field

from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup.xml_stream import Attributes, XmlHandler, parse_xml

DRAWING_KINDS = {"chart", "chartEx", "diagramData"}
"""The kinds of relations to the parts that `drawing_text` reads."""
MAX_POINTS = 10_000
"""Values of one chart that are read."""


def drawing_text(raw: bytes, extraction: Extraction) -> None:
    """Add the text of a part with a chart or a diagram: nothing if it has none.

    Raises:
        Unreadable: as `parse_xml` does.
    """
    handler = _DrawingHandler()
    parse_xml(raw, handler)
    for text in handler.paragraphs:
        extraction.block(text)
    titles = list(dict.fromkeys(filter(None, map(one_line, handler.titles))))
    if titles:
        extraction.block(f"Chart: {titles[0]}")
        if titles[1:]:
            extraction.block(f"Axes: {', '.join(titles[1:])}", apart=False)
    _write_values(handler.series, extraction)


@dataclass
class _Series:
    """A series of a chart: its name, its categories and its values by their place."""

    name: str = ""
    categories: dict[int, str] = field(default_factory=dict)
    values: dict[int, str] = field(default_factory=dict)
    more: dict[int, str] = field(default_factory=dict)
    """Sizes of bubbles."""


def _write_values(series: list[_Series], extraction: Extraction) -> None:
    series = [each for each in series if each.name or each.values]
    if not series:
        return
    categories = [each.categories for each in series]
    if all(each in ({}, categories[0]) for each in categories):
        columns = [[each.name for each in series]]
        extraction.row(["", *columns[0]], first=True)
        places = sorted({place for each in series for place in (*each.categories, *each.values)})[:MAX_POINTS]
        for place in places:
            values = [each.values.get(place, "") for each in series]
            extraction.row([categories[0].get(place, ""), *values])
        return
    for each in series:  # they have categories of their own, as in a scatter chart
        extraction.row(["", each.name], first=True)
        for place in sorted({*each.categories, *each.values})[:MAX_POINTS]:
            more = [each.more[place]] if place in each.more else []
            extraction.row([each.categories.get(place, ""), each.values.get(place, ""), *more])


_CATEGORIES = {"cat", "xVal", "strDim"}
_VALUES = {"val", "yVal", "numDim"}


class _DrawingHandler(XmlHandler):
    def __init__(self) -> None:
        self.titles: list[str] = []
        self.paragraphs: list[str] = []
        """Of a diagram."""
        self.series: list[_Series] = []
        self._path: list[str] = []
        self._place = 0
        self._points = 0
        self._target: dict[int, str] | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        self._path.append(name)
        if name == "title":
            self.titles.append("")
        elif name == "p" and "title" not in self._path:
            self.paragraphs.append("")
        elif name in ("ser", "series") or (name == "data" and "chartData" in self._path):
            self.series.append(_Series())
        elif name == "pt" and attributes.get("idx", "").isdecimal():
            self._place = int(attributes["idx"][:9])
            self._points += 1
        elif self.series and (name in _CATEGORIES or name in _VALUES or name == "bubbleSize"):
            series = self.series[-1]
            self._target = series.categories if name in _CATEGORIES else series.values
            self._target = series.more if name == "bubbleSize" else self._target

    def end(self, name: str) -> None:
        self._path.pop()
        if name in _CATEGORIES or name in _VALUES or name == "bubbleSize":
            self._target = None
        elif name == "p" and self.titles and "title" in self._path:
            self.titles[-1] += " "

    def text(self, data: str) -> None:
        name = self._path[-1]
        if "title" in self._path:
            if name in ("t", "v"):
                self.titles[-1] += data
        elif name == "t" and "p" in self._path:
            self.paragraphs[-1] += data
        elif name in ("v", "pt") and self.series and self._points <= MAX_POINTS:
            if self._target is None:
                self.series[-1].name += data if "tx" in self._path else ""
            elif name == "v" or data.strip():
                # a category may have several levels, which follow each other
                self._target[self._place] = self._joined(self._target.get(self._place, ""), data)

    def _joined(self, before: str, data: str) -> str:
        return f"{data} {before}" if before and "multiLvlStrCache" in self._path else before + data
