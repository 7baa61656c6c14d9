"""Answers with citations, the evidence for them, and the receipts that prove them."""
