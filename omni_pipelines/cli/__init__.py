"""The omni command."""
