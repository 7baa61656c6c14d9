"""PDF files encrypted by the standard security handler, with RC4 or AES and a key of 128 bits.

Algorithms 1 to 5 of ISO 32000-1, section 7.6; AES: FIPS 197.
"""

from __future__ import annotations

import hashlib
import re
from itertools import chain, pairwise

from tests.samples.pdf import assemble, page_content, stream

_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
_ID = b"0123456789abcdef"
_ALL_ALLOWED = (-4).to_bytes(4, "little", signed=True)


def encrypted_pdf(lines: list[str], *, password: str = "", owner: str = "owner", aes: bool = False) -> bytes:
    """A page with these lines, encrypted with the password of the user and that of the owner."""
    owner_entry = _many_times(_owner_key(owner), _padded(password))
    key = hashlib.md5(_padded(password) + owner_entry + _ALL_ALLOWED + _ID).digest()
    for _ in range(50):
        key = hashlib.md5(key).digest()
    user_entry = _many_times(key, hashlib.md5(_PADDING + _ID).digest()) + bytes(16)
    of_stream = hashlib.md5(key + (4).to_bytes(3, "little") + bytes(2) + (b"sAlT" if aes else b"")).digest()
    content = page_content(lines)
    content = _aes_cbc(of_stream, content) if aes else _rc4(of_stream, content)
    filters = b"/V 4/R 4/CF<</StdCF<</CFM/AESV2/Length 16>>>>/StmF/StdCF/StrF/StdCF" if aes else b"/V 2/R 3"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        stream(content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Filter/Standard%s/Length 128/P -4/O<%s>/U<%s>>>"
        % (filters, owner_entry.hex().encode(), user_entry.hex().encode()),
    ]
    return assemble(objects, b"/Encrypt 6 0 R/ID[<%s><%s>]" % (_ID.hex().encode(), _ID.hex().encode()))


def _padded(password: str) -> bytes:
    return (password.encode("latin-1") + _PADDING)[:32]


def _owner_key(password: str) -> bytes:
    key = hashlib.md5(_padded(password)).digest()
    for _ in range(50):
        key = hashlib.md5(key).digest()
    return key


def _many_times(key: bytes, content: bytes) -> bytes:
    for number in range(20):
        content = _rc4(bytes(byte ^ number for byte in key), content)
    return content


def _rc4(key: bytes, content: bytes) -> bytes:
    state, at = list(range(256)), 0
    for number in range(256):
        at = (at + state[number] + key[number % len(key)]) % 256
        state[number], state[at] = state[at], state[number]
    out, first, second = bytearray(), 0, 0
    for byte in content:
        first = (first + 1) % 256
        second = (second + state[first]) % 256
        state[first], state[second] = state[second], state[first]
        out.append(byte ^ state[(state[first] + state[second]) % 256])
    return bytes(out)


def _doubled(byte: int) -> int:
    return (byte << 1) ^ (0x11B if byte & 0x80 else 0)


def _boxes() -> list[int]:
    """The substitution table: the inverse in GF(2^8) by powers of 3, then an affine map."""
    powers = [1]
    for _ in range(254):
        powers.append(powers[-1] ^ _doubled(powers[-1]))
    logs = {power: exponent for exponent, power in enumerate(powers)}
    inverses = [powers[(255 - logs[byte]) % 255] if byte else 0 for byte in range(256)]
    return [
        0x63 ^ each ^ _turned(each, 1) ^ _turned(each, 2) ^ _turned(each, 3) ^ _turned(each, 4) for each in inverses
    ]


def _turned(byte: int, bits: int) -> int:
    return (byte << bits | byte >> (8 - bits)) & 0xFF


_BOXES = _boxes()


def _round_keys(key: bytes) -> list[list[int]]:
    words, constant = [list(key[at : at + 4]) for at in range(0, 16, 4)], 1
    for number in range(4, 44):
        word = words[-1]
        if number % 4 == 0:
            word = [_BOXES[byte] for byte in (*word[1:], word[0])]
            word[0] ^= constant
            constant = _doubled(constant)
        words.append([first ^ second for first, second in zip(words[-4], word, strict=True)])
    return [list(chain.from_iterable(words[at : at + 4])) for at in range(0, 44, 4)]


def _aes_block(keys: list[list[int]], block: bytes) -> bytes:
    state = [first ^ second for first, second in zip(block, keys[0], strict=True)]
    for number, key in enumerate(keys[1:], 1):
        state = [_BOXES[state[(at + 4 * (at % 4)) % 16]] for at in range(16)]
        if number < 10:
            state = list(chain.from_iterable(_mixed(state[at : at + 4]) for at in range(0, 16, 4)))
        state = [first ^ second for first, second in zip(state, key, strict=True)]
    return bytes(state)


def _mixed(column: list[int]) -> list[int]:
    whole = column[0] ^ column[1] ^ column[2] ^ column[3]
    return [byte ^ whole ^ _doubled(byte ^ following) for byte, following in pairwise([*column, column[0]])]


def _aes_cbc(key: bytes, content: bytes) -> bytes:
    missing = 16 - len(content) % 16
    keys, out = _round_keys(key), [bytes(range(16))]
    for block in re.findall(b".{16}", content + bytes([missing]) * missing, re.DOTALL):
        out.append(_aes_block(keys, bytes(first ^ second for first, second in zip(block, out[-1], strict=True))))
    return b"".join(out)
