"""Configuration in, opened engines out."""
