"""haiku.rag, which is built on LanceDB too."""

from __future__ import annotations

PACKAGES = ()
NOT_RUN = (
    "it needs a server for its model, 6.8 GB of packages, and modules that its own package does not name; "
    "it does not read .rst files"
)
