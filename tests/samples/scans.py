"""Pages of text as pictures: as scans in a PDF, and as PNG, JPEG and TIFF."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

from native.pdfium import PdfFile
from native.pictures import Picture
from tests.samples.pdf import FONT, assemble, page_content, placed, stream

PAGE = ["The otters of the northern river", "sleep in their holts until noon.", "Invoice 2024-117, total 1,250 EUR"]
GERMAN = ["Die Prüfung der Anlage findet jährlich statt.", "Für größere Mängel haftet der Käufer."]


def picture(lines: Sequence[str], dots_per_inch: float = 200) -> Picture:
    """A small page with some lines, as pixels."""
    lowest = min(640, 700 - 16 * len(lines))
    page = b"/MediaBox[60 %d 380 740]/Contents 5 0 R/Resources<</Font<</F1 3 0 R>>>>" % lowest
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
        FONT,
        b"<</Type/Page/Parent 2 0 R%s>>" % page,
        stream(page_content(lines)),
    ]
    with PdfFile(assemble(objects)) as file, file.page(0) as shown:
        return shown.picture(dots_per_inch)


def scanned_pdf(pages: Sequence[Sequence[str] | bytes], stamp: str = "") -> bytes:
    """A file whose pages are pictures of lines; pages of bytes are their content, as text.

    `stamp` is text on each scan.
    """
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", FONT]
    kids = b""
    for page in pages:
        first = len(objects) + 1
        kids += b"%d 0 R " % first
        used = b"/MediaBox[0 0 320 100]/Contents %d 0 R/Resources" % (first + 1)
        if isinstance(page, bytes):
            objects += [b"<</Type/Page/Parent 2 0 R%s<</Font<</F1 3 0 R>>>>>>" % used, stream(page)]
            continue
        shown = picture(page)
        size = b"/Width %d/Height %d" % (shown.row_bytes, shown.height)
        kind = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
        objects += [
            b"<</Type/Page/Parent 2 0 R%s<</Font<</F1 3 0 R>>/XObject<</I %d 0 R>>>>>>" % (used, first + 2),
            stream(b"q 320 0 0 100 0 0 cm /I Do Q " + placed((200, 10, stamp))),
            stream(zlib.compress(shown.pixels), kind + size),
        ]
    objects[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pages))
    return assemble(objects)


def picture_file(kind: str, *pages: Sequence[str], turn: int = 0, exif: int = 0) -> bytes:
    """A PNG, JPEG or TIFF file; `turn` turns it by so many degrees, `exif` is the orientation that it states."""
    from PIL import Image

    images = []
    for lines in pages:
        shown = picture(lines)
        image = Image.frombuffer("L", (shown.row_bytes, shown.height), shown.pixels)
        images.append(image.rotate(turn, expand=True))
    buffer, options = io.BytesIO(), dict[str, object]()
    if exif:
        stated = Image.Exif()
        stated[0x0112] = exif
        options["exif"] = stated
    if len(images) > 1:
        options |= {"save_all": True, "append_images": images[1:]}
    images[0].save(buffer, kind, dpi=(200, 200), **options)
    return buffer.getvalue()
