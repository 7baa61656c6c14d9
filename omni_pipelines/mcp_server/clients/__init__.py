"""The configuration files of editors and agents, and our entry in them."""
