"""What the name of a file says about its kind: whole names, suffixes, and the names of binary kinds without text."""

import re
from collections.abc import Mapping
from typing import TypeVar

_Kind = TypeVar("_Kind")

NOT_TEXT = frozenset(
    f".{suffix}"
    for suffix in (
        # pictures
        "png jpg jpeg jpe jfif gif bmp dib tif tiff webp ico icns cur heic heif avif jp2 jxl psd xcf raw cr2 nef dng "
        "tga pcx pbm pgm ppm exr hdr dds ai eps "
        # sound and film
        "mp3 wav flac ogg oga opus m4a aac wma aiff aif mid midi amr mp4 m4v mkv mov avi wmv flv webm mpg mpeg ogv "
        # fonts
        "ttf otf woff woff2 eot pfb pfm ttc "
        # packed programs, archives that no library reads, and images of disks
        "zst lz lz4 lzma z rar cab jar war ear apk ipa aar whl egg deb rpm msi "
        "dmg iso img vhd vhdx vmdk qcow2 crx xpi nupkg "
        # programs and object code
        "exe dll so dylib o obj a lib ko sys class pyc pyo pyd elc wasm node bin pdb lo beam rlib rmeta nib "
        # data of programs
        "npy npz pkl pickle pt pth ckpt onnx safetensors gguf tflite h5 hdf5 pb mo gmo sqlite-wal sqlite-shm "
        "db-wal db-shm db-journal idx pack lance orc avro mdb accdb swp swo ds_store keystore jks p12 pfx der "
        # models of things
        "blend fbx glb 3ds max skp dwg stl usdz"
    ).split()
)
"""Suffixes of kinds of files that no reader reads and that are not text."""
ARCHIVE_SUFFIXES = (
    ".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".tbz2", ".xz", ".txz", ".7z", ".mbox", ".mbx",
)  # fmt: skip
_VERSION = re.compile(r"\.(?:so|dylib)\.[\d.]+$")
"""A shared library with its version: `libz.so.1.3`."""


def is_binary_name(path: str) -> bool:
    """Whether the name of a file is that of a kind that no reader reads."""
    name = _name(path)
    _, dot, suffix = name.rpartition(".")
    return f"{dot}{suffix}" in NOT_TEXT or (name[-1:].isdigit() and _VERSION.search(name) is not None)


def kind_by_name(path: str, kinds: Mapping[str, _Kind]) -> _Kind | None:
    """What `kinds` has for the name of a file; None if it has nothing.

    The whole name counts most, then its suffix; then, for names such as `access.log.1`, `settings.py.bak` and
    `Dockerfile.dev`, the suffixes before that and what stands before the first one.
    """
    name = _name(path).rstrip("~")
    if name in kinds:
        return kinds[name]
    first, *others = name.split(".")
    for other in reversed(others):
        if (suffix := f".{other}") in kinds:
            return kinds[suffix]
    return kinds.get(first) if others else None


def _name(path: str) -> str:
    """The last part of a path in lower case. To make a `PurePosixPath` takes a third of the listing of a folder."""
    return path.rpartition("/")[2].lower()
