"""Language models: one port, and what answers behind it."""
