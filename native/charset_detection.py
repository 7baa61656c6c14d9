"""Score the encodings that bytes may be in with chardet, which knows how letters follow each other in 49 languages.

chardet 7 needs no network and gives the same result for the same bytes. On 37 pairs of language and encoding it is
right for 99 % of texts of 300 characters and 93 % of those of 60, where charset-normalizer is right for 82 and 71 %.
"""

import codecs
from typing import NamedTuple

MAX_BYTES = 1 << 16
"""Bytes that are examined: more make a detection slower and no better."""
_WEB, _ISO, _OLD = 0.9, 0.6, 0.25
_RANKS = {
    **dict.fromkeys(("cp1251", "cp1252", "cp932", "gb18030", "euc_jis_2004", "cp949", "euc_kr", "big5hkscs"), 1.0),
    "koi8-r": 1.0,
    **dict.fromkeys(("cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "koi8-u"), _WEB),
    **dict.fromkeys((f"iso8859-{part}" for part in (1, 2, 5, 7, 9, 15)), _ISO),
    **dict.fromkeys((f"iso8859-{part}" for part in (3, 4, 6, 8, 10, 13, 16)), _OLD),
    **dict.fromkeys(("cp437", "cp737", "cp775", "cp850", "cp852", "cp855", "cp857", "cp858", "cp862", "cp865"), _OLD),
    **dict.fromkeys(("cp866", "cp869", "mac-roman", "mac-cyrillic", "mac-greek", "mac-latin2"), _OLD),
}
"""How common files in an encoding are, from 0 to 1, by the names of chardet: those of the web first, those of DOS
and the old Macintosh last. The rarest are missing, because short texts in common encodings look like them."""
_BY_CODEC = {name.replace("-", "_"): rank for name, rank in _RANKS.items()} | {"euc_jp": 1.0, "big5": 1.0}


class EncodingFit(NamedTuple):
    """An encoding that bytes may be in."""

    codec: str
    """As Python names it, with `_`."""
    score: float
    """How well the bytes fit, from 0 to 1; no probability."""
    rank: float
    """How common files in it are, from 0 to 1."""


def candidates(raw: bytes) -> list[EncodingFit]:
    """The encodings that the bytes may be in, the best score first."""
    import chardet

    found = chardet.detect_all(raw[:MAX_BYTES], ignore_threshold=True, include_encodings=_RANKS)
    codes = [(_codec(each["encoding"]), each["confidence"]) for each in found if each["encoding"]]
    return [EncodingFit(codec, score, _BY_CODEC[codec]) for codec, score in codes if codec in _BY_CODEC]


def best_candidate(raw: bytes) -> str:
    """The codec that chardet chooses after it compared the most similar ones with each other; "" for none."""
    import chardet

    name = chardet.detect(raw[:MAX_BYTES], include_encodings=_RANKS)["encoding"]
    codec = _codec(name) if name else ""
    return codec if codec in _BY_CODEC else ""


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name.replace("-", "_")
    except LookupError:
        return ""
