"""Readers: the bytes of one document to its text, structure and source lines."""
