"""Language models: the port through which they are called, and the servers behind it."""
