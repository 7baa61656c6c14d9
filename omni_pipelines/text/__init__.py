"""Bytes to text, and text to chunks and tokens: pure functions that open no file and no table."""
