"""The asset graph: one asset and its checks a file."""
