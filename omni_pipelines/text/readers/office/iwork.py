"""Pages, Numbers and Keynote: the text of the preview in PDF that these programs save with a document."""

from dataclasses import replace

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import pdf
from omni_pipelines.text.readers.office.zip_archive import ZipArchive

PARTS = ("Index/Document.iwa", "Index.zip", "index.xml", "index.apxl", "index.xml.gz", "index.apxl.gz")
"""Parts of which each such document has one; their formats are not published."""
_PREVIEW = "preview.pdf"


def read(raw: bytes, name: str) -> Parsed:
    """Read a file by its preview, whose pages are those of the document when it was saved."""
    archive = ZipArchive(raw)
    preview = next((part for part in archive.names if part.lower().endswith(_PREVIEW)), None)
    if preview is None:
        detail = "it was saved without a preview in PDF; export it as PDF or as an Office file"
        raise Unreadable(RefusalCode.NO_TEXT, detail)
    parsed = pdf.read(archive.read(preview), name)
    return replace(
        parsed, partial=parsed.partial or "read from its preview: notes, comments and formulas are not in it"
    )
