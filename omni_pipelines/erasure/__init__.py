"""Erasing a source or a document from everything that was made of it, with a certificate."""
