"""The write side: source trees to tables, indexes and releases."""
