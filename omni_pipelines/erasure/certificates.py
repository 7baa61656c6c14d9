"""Certificates of erasures: they prove what was erased, and name it only as hashes."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from native.durable import write_whole
from omni_pipelines.erasure.scope import Scope, known_documents
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.citation_names import cited_name, uri_of
from omni_pipelines.records import Certificate, sealed, unsealed


def hash_of(text: str) -> str:
    """How a certificate names something."""
    return hashlib.sha256(text.encode()).hexdigest()


def hashed_names(scope: Scope, target: str) -> list[str]:
    """The hashes of all names by which a person may ask again for what `target` named."""
    names = {target, uri_of(target), scope.name}
    if scope.kind == "document" and scope.documents:
        outer = scope.documents[0]
        names |= {cited_name(outer.source, outer.path, outer.uri), outer.doc_id, outer.uri}
    return sorted(map(hash_of, names))


def write_certificate(home: Home, certificate: Certificate) -> Path:
    """Write a certificate with its checksum; its file."""
    home.certificates.mkdir(exist_ok=True)
    path = home.certificates / f"{certificate.at:%Y%m%dT%H%M%S%f}.json"
    write_whole(path, sealed(certificate))
    return path


def find_certificate(home: Home, target: str) -> tuple[Certificate, Path] | None:
    """The newest certificate of an erasure of what had this name, and its file.

    None if there is none, or the document came back under another name.
    """
    asked = {hash_of(target), hash_of(uri_of(target))}
    for path, certificate in _newest_first(home):
        if not asked.isdisjoint({certificate.named_sha256, *certificate.names_sha256}):
            is_back = certificate.named_sha256 in {hash_of(row.uri) for row in known_documents(home)}
            return None if is_back else (certificate, path)
    return None


def _newest_first(home: Home) -> Iterator[tuple[Path, Certificate]]:
    for path in sorted(home.certificates.glob("*.json"), reverse=True):
        with suppress(OSError):
            certificate = unsealed(path.read_bytes(), Certificate)
            if certificate is not None:  # a damaged one proves nothing
                yield path, certificate
