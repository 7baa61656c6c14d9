"""The header of a 7z file: which files it holds, and how they are packed together in folders.

Format: 7zFormat.txt of the LZMA SDK.
"""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

_HEADER, _STREAMS, _FILES, _PACK, _UNPACK, _SUBSTREAMS = 1, 4, 5, 6, 7, 8
_SIZE, _CRC, _FOLDER, _CODER_SIZES, _COUNTS, _EMPTY = 9, 10, 11, 12, 13, 14
_NAMES, _TIMES, _ATTRIBUTES = 17, 20, 21
_MAX_COUNT, _MAX_CODERS = 1_000_000, 8
AES = b"\x06\xf1\x07\x01"


@dataclass
class Folder:
    """Files that are packed together."""

    coders: list[tuple[bytes, bytes]]
    """Method and properties, as they follow each other when files are packed; empty if they form no chain."""
    sizes: list[int] = field(default_factory=list)
    """Unpacked bytes after each coder."""
    checksum: str = ""
    place: int = 0
    """Where its packed bytes begin, after the first 32 bytes of the file."""
    packed_size: int = 0
    parts: list[tuple[int, str]] = field(default_factory=list)
    """Size and checksum of each file in it."""

    @property
    def size(self) -> int:
        """Unpacked bytes."""
        return max(self.sizes, default=0)

    @property
    def is_encrypted(self) -> bool:
        """Whether it needs a password."""
        return any(method == AES for method, _ in self.coders)


@dataclass
class PackedFile:
    """A file, or a folder of files if it has no content."""

    name: str
    ticks: int = 0
    """When it changed, in units of 100 ns since 1601; 0 if that is not known."""
    attributes: int = 0
    is_empty: bool = False


class HeaderReader:
    """Reads a header from its beginning.

    Raises:
        ValueError, IndexError, struct.error: the header is damaged.
    """

    def __init__(self, raw: bytes) -> None:
        self._bytes = io.BytesIO(raw)

    def kind(self) -> int:
        """The kind of what follows."""
        return self._byte()

    def header(self) -> tuple[list[Folder], list[PackedFile]]:
        """The folders and the files of an archive, whose kind was read."""
        folders: list[Folder] = []
        files: list[PackedFile] = []
        while kind := self.kind():
            if kind == _STREAMS:
                folders = self.streams()
            elif kind == _FILES:
                files = self._files()
            else:
                raise ValueError(f"unknown part {kind} of the header")
        return folders, files

    def streams(self) -> list[Folder]:
        """The folders, whose kind was read."""
        sizes: list[int] = []
        place = 0
        folders: list[Folder] = []
        while kind := self.kind():
            if kind == _PACK:
                place, sizes = self._packed()
            elif kind == _UNPACK:
                folders = self._folders()
            elif kind == _SUBSTREAMS:
                self._substreams(folders)
            else:
                raise ValueError(f"unknown part {kind} of the streams")
        for folder, size in zip(folders, sizes, strict=False):
            folder.place, folder.packed_size = place, size
            place += size
            folder.parts = folder.parts or [(folder.size, folder.checksum)]
        return folders

    def _packed(self) -> tuple[int, list[int]]:
        place, count = self._number(), self._count()
        sizes: list[int] = []
        while kind := self.kind():
            if kind == _SIZE:
                sizes = [self._number() for _ in range(count)]
            elif kind == _CRC:
                self._checksums(count)
        return place, sizes

    def _folders(self) -> list[Folder]:
        folders: list[Folder] = []
        while kind := self.kind():
            if kind == _FOLDER:
                count = self._count()
                self._refuse_external()
                counts = []
                for _ in range(count):
                    folder, outputs = self._folder()
                    folders.append(folder)
                    counts.append(outputs)
            elif kind == _CODER_SIZES:
                for folder, outputs in zip(folders, counts, strict=True):
                    folder.sizes = [self._number() for _ in range(outputs)]
            elif kind == _CRC:
                for folder, checksum in zip(folders, self._checksums(len(folders)), strict=True):
                    folder.checksum = checksum
        return folders

    def _folder(self) -> tuple[Folder, int]:
        """A folder, and the number of its unpacked sizes."""
        coders, inputs, outputs = [], 0, 0
        count = self._count(_MAX_CODERS)
        for _ in range(count):
            flags = self._byte()
            method = self._bytes.read(flags & 0xF)
            ins, outs = (self._count(), self._count()) if flags & 0x10 else (1, 1)
            coders.append((method, self._bytes.read(self._count()) if flags & 0x20 else b""))
            inputs, outputs = inputs + ins, outputs + outs
        pairs = [(self._number(), self._number()) for _ in range(outputs - 1)]
        packed = inputs - len(pairs)
        if packed > 1:
            for _ in range(packed):
                self._number()
        chain = [(number, number + 1) for number in range(count - 1)]
        if sorted(pairs) == chain and packed == 1:
            return Folder(coders), outputs
        is_reversed = sorted(pairs) == [(after, before) for before, after in chain] and packed == 1
        return Folder(coders[::-1] if is_reversed else []), outputs

    def _substreams(self, folders: Sequence[Folder]) -> None:
        counts = [1] * len(folders)
        sizes: list[list[int]] = [[folder.size] for folder in folders]
        checksums: list[str] = []
        while kind := self.kind():
            if kind == _COUNTS:
                counts = [self._count() for _ in folders]
                sizes = [[folder.size] if count == 1 else [] for folder, count in zip(folders, counts, strict=True)]
            elif kind == _SIZE:
                for number, (folder, count) in enumerate(zip(folders, counts, strict=True)):
                    firsts = [self._number() for _ in range(count - 1)]
                    sizes[number] = [*firsts, folder.size - sum(firsts)] if count else []
            elif kind == _CRC:
                known = [count == 1 and bool(folder.checksum) for folder, count in zip(folders, counts, strict=True)]
                unknown = sum(count for count, is_known in zip(counts, known, strict=True) if not is_known)
                found = iter(self._checksums(unknown))
                for folder, count, is_known in zip(folders, counts, known, strict=True):
                    checksums += [folder.checksum] if is_known else [next(found) for _ in range(count)]
        rest = iter(checksums or [""] * sum(counts))
        for folder, each in zip(folders, sizes, strict=True):
            if any(size < 0 for size in each):
                raise ValueError("the sizes of files exceed that of their folder")
            folder.parts = [(size, next(rest)) for size in each]

    def _files(self) -> list[PackedFile]:
        files = [PackedFile("") for _ in range(self._count())]
        while kind := self._number():
            content = HeaderReader(self._bytes.read(self._number()))
            if kind == _NAMES:
                content._refuse_external()
                names = content._bytes.read().decode("utf-16-le", "replace").split("\0")
                for file, name in zip(files, names, strict=False):
                    file.name = name
            elif kind == _EMPTY:
                for file, is_empty in zip(files, content._bits(len(files)), strict=True):
                    file.is_empty = is_empty
            elif kind in (_TIMES, _ATTRIBUTES):
                content._set_values(files, "ticks" if kind == _TIMES else "attributes")
        return files

    def _set_values(self, files: Sequence[PackedFile], name: str) -> None:
        layout = struct.Struct("<Q" if name == "ticks" else "<I")
        defined = self._defined(len(files))
        self._refuse_external()
        for file, is_defined in zip(files, defined, strict=True):
            if is_defined:
                setattr(file, name, layout.unpack(self._bytes.read(layout.size))[0])

    def _checksums(self, count: int) -> list[str]:
        return [f"{struct.unpack('<I', self._bytes.read(4))[0]:08x}" if each else "" for each in self._defined(count)]

    def _defined(self, count: int) -> list[bool]:
        return [True] * count if self._byte() else self._bits(count)

    def _bits(self, count: int) -> list[bool]:
        raw = self._bytes.read((count + 7) // 8)
        return [bool(raw[number // 8] & 0x80 >> number % 8) for number in range(count)]

    def _refuse_external(self) -> None:
        if self._byte():
            raise ValueError("a part of the header is in another place")

    def _byte(self) -> int:
        return self._bytes.read(1)[0]

    def _count(self, most: int = _MAX_COUNT) -> int:
        count = self._number()
        if count > most:
            raise ValueError(f"a count of {count:,}; {most:,} are allowed")
        return count

    def _number(self) -> int:
        """A number of 1 to 9 bytes: the first one says how many follow, and has the highest bits."""
        first = self._byte()
        following = next((count for count in range(8) if not first & 0x80 >> count), 8)
        low = int.from_bytes(self._bytes.read(following), "little")
        return low | (first & (0x7F >> following)) << 8 * following
