"""Pictures as grey pixels: decode the files that scanners and cameras write.

The decoders of Pillow are C code over foreign bytes: call this only in a process that may die.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "TIFF")
MAX_PIXELS = 100_000_000
"""Of a picture in a file, before it is made smaller."""
MAX_KEPT_PIXELS = 12_000_000
"""Of a picture that is kept: a page of A4 with 300 dots per inch has 8.7 million."""
_MAX_SCREEN_SIDE = 1_200
"""A picture whose sides are shorter is from a screen: its letters are smaller than those that are recognised best."""
_MIN_SCAN_DOTS, _MAX_SCAN_DOTS = 150.0, 1200.0
"""Dots per inch that scanners write; what is stated besides is of no use."""
_ORIENTATION = 0x0112
"""The tag of Exif for how the camera was held."""


class PictureError(Exception):
    """A picture is damaged, or larger than is allowed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in grey, one byte for each pixel, from top to bottom."""

    pixels: bytes
    width: int
    height: int
    row_bytes: int
    """Bytes of a row, which may be longer than `width`."""
    dots_per_inch: float


class PictureFile:
    """An open PNG, JPEG or TIFF file.

    Raises:
        PictureError: it is damaged, or of another format.
    """

    def __init__(self, raw: bytes) -> None:
        from PIL import Image as images

        images.MAX_IMAGE_PIXELS = None  # our own limit is checked before anything is decoded
        with _damages():
            self._file = images.open(io.BytesIO(raw), formats=_FORMATS)
            self.count = int(getattr(self._file, "n_frames", 1)) if self._file.format == "TIFF" else 1
            """The number of pictures: a TIFF file has one for each page."""

    def picture(self, index: int) -> Picture:
        """One of its pictures, from 0.

        Raises:
            PictureError: it is damaged or too large.
        """
        with _damages():
            if self.count > 1:
                self._file.seek(index)
            return _grey(self._file)


@contextmanager
def _damages() -> Iterator[None]:
    try:
        yield
    except PictureError:
        raise
    except Exception as error:  # decoders raise anything for damaged files
        raise PictureError(f"{type(error).__name__}: {error}") from error


def _grey(file: Image) -> Picture:
    from PIL import ImageOps

    width, height = file.size
    if width * height > MAX_PIXELS:
        raise PictureError(f"it has {width:,} x {height:,} pixels; {MAX_PIXELS:,} are allowed in all")
    file.draft("L", file.size)
    image = file.convert("LA") if "A" in file.getbands() or "transparency" in file.info else file.convert("L")
    if image.mode == "LA":
        image = _on_white(image)
    image = ImageOps.exif_transpose(_with_orientation(image, file))
    stated = float(file.info.get("dpi", (0, 0))[0] or 0)
    is_from_screen = stated < _MIN_SCAN_DOTS and max(image.size) < _MAX_SCREEN_SIDE
    scale = min((MAX_KEPT_PIXELS / (width * height)) ** 0.5, 2.0 if is_from_screen else 1.0)
    if scale != 1.0:
        image = image.resize((max(int(image.width * scale), 1), max(int(image.height * scale), 1)))
    dots = stated if _MIN_SCAN_DOTS <= stated <= _MAX_SCAN_DOTS else _MIN_SCAN_DOTS
    return Picture(image.tobytes(), image.width, image.height, image.width, dots * scale)


def _on_white(image: Image) -> Image:
    from PIL import Image as images

    white = images.new("L", image.size, 255)
    white.paste(image.getchannel("L"), mask=image.getchannel("A"))
    return white


def _with_orientation(image: Image, file: Image) -> Image:
    """A picture with the orientation that its file states, which conversions drop."""
    image.getexif()[_ORIENTATION] = file.getexif().get(_ORIENTATION, 1)
    return image
