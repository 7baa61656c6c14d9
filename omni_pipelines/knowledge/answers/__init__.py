"""Answers with citations, and the receipts that prove them."""
