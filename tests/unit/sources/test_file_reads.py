"""What stands in the place of a file that was not fetched."""

import pytest

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import refuse_empty, refuse_pointer

OID = b"oid sha256:" + b"0f" * 32
LFS = b"version https://git-lfs.github.com/spec/v1\n" + OID + b"\nsize 12345\n"
POINTERS = {
    "Git LFS": LFS,
    "Git LFS, with a byte order mark": b"\xef\xbb\xbf" + LFS,
    "Git LFS, with Windows line ends": LFS.replace(b"\n", b"\r\n"),
    "Git LFS, with an extension": LFS.replace(b"\noid", b"\next-0-crypt sha256:00\noid"),
    "Git LFS before it had that name": LFS.replace(b"git-lfs.github", b"hawser.github"),
    "git-annex": b"/annex/objects/SHA256E-s12--ab.pdf\n",
    "link of git-annex, as a file": b"../.git/annex/objects/Xx/Yy/SHA256E-s12--ab.pdf/SHA256E-s12--ab.pdf",
}
TEXTS = {
    "page about Git LFS": b"# About\n\n" + LFS,
    "first line of a pointer": LFS.splitlines()[0],
    "sentence after a pointer": LFS + b"That was a pointer.\n",
    "page about git-annex": b"Files are links to\n/annex/objects/KEY\n",
}


@pytest.mark.parametrize("raw", POINTERS.values(), ids=POINTERS)
def test_a_pointer_is_refused_with_the_command_that_fetches_the_file(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r"fetch it with git (lfs pull|annex get)") as refused:
        refuse_pointer(raw)
    assert refused.value.code == RefusalCode.POINTER


@pytest.mark.parametrize("raw", TEXTS.values(), ids=TEXTS)
def test_a_text_about_pointers_is_not_refused(raw: bytes) -> None:
    refuse_pointer(raw)


@pytest.mark.parametrize("raw", [b"", b" \n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_file_with_blanks_or_a_byte_order_mark_alone_is_empty(raw: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        refuse_empty(raw)
    assert refused.value.code == RefusalCode.EMPTY
