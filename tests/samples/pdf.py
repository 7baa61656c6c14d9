"""PDF files, written object by object, so that tests know every byte."""

from __future__ import annotations

from collections.abc import Sequence

FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def assemble(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A file with these objects, numbered from 1; the first one is the catalog."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return bytes(out) + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, trailer, len(out))
    )


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


def page_content(lines: Sequence[str]) -> bytes:
    shown = b"".join(b"(%s) Tj 0 -16 Td\n" % _escaped(line) for line in lines)
    return b"BT /F1 12 Tf 72 720 Td\n" + shown + b"ET"


def pdf(pages: Sequence[Sequence[str]], *, title: str = "", outline: Sequence[tuple[str, int]] = ()) -> bytes:
    """A file with pages of lines; the outline has (heading, page from 1)."""
    count = len(pages)
    kids = b" ".join(b"%d 0 R" % (4 + 2 * at) for at in range(count))
    catalog = b"<</Type/Catalog/Pages 2 0 R%s>>"
    objects = [b"", b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count), FONT]
    for at, lines in enumerate(pages):
        box = b"/MediaBox[0 0 612 792]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>" % (5 + 2 * at)
        objects += [b"<</Type/Page/Parent 2 0 R%s>>" % box, stream(page_content(lines))]
    root = len(objects) + 1
    for at, (heading, page) in enumerate(outline):
        following = b"/Next %d 0 R" % (root + at + 2) if at + 1 < len(outline) else b""
        place = b"/Parent %d 0 R/Dest[%d 0 R /Fit]" % (root, 2 + 2 * page)
        entry = b"<</Title(%s)%s%s>>" % (_escaped(heading), place, following)
        objects += [b"<</First %d 0 R/Last %d 0 R>>" % (root + 1, root + len(outline)), entry] if at == 0 else [entry]
    objects[0] = catalog % (b"/Outlines %d 0 R" % root if outline else b"")
    objects.append(b"<</Title(%s)>>" % _escaped(title))
    return assemble(objects, b"/Info %d 0 R" % len(objects))


def placed(*texts: tuple[float, float, str], size: float = 10, font: str = "F1") -> bytes:
    """Contents of a page: each text at its place from the left and from below."""
    return b"".join(
        b"BT /%s %g Tf %g %g Td (%s) Tj ET\n" % (font.encode(), size, left, above, _escaped(text))
        for left, above, text in texts
    )


def drawn(
    *contents: bytes,
    font: bytes = FONT,
    page: bytes = b"",
    resources: bytes = b"",
    catalog: bytes = b"",
    more: Sequence[bytes] = (),
) -> bytes:
    """A file with pages of these contents. `more` objects have the numbers from 5 on, before those of the pages."""
    first = 5 + len(more)
    kids = b" ".join(b"%d 0 R" % (first + 2 * at) for at in range(len(contents)))
    bold = FONT.replace(b"Helvetica", b"Helvetica-Bold")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents)),
    ]
    objects += [font, bold, *more]
    for at, content in enumerate(contents):
        fonts = b"/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R/F2 4 0 R>>%s>>" % resources
        objects += [
            b"<</Type/Page/Parent 2 0 R%s%s/Contents %d 0 R>>" % (fonts, page, first + 2 * at + 1), stream(content)
        ]  # fmt: skip
    return assemble(objects)


def _escaped(text: str) -> bytes:
    return text.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
