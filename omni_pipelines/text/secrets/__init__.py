"""Secrets and personal data: found in the text of a document, and masked in place before anything is stored."""
