"""Readers of texts, slides and books that are packages of parts: Office, OpenDocument, EPUB, iWork."""
