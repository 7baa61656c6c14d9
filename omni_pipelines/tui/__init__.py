"""The agent in a terminal: what it does, its evidence and figures, and a line to answer it. Needs the extra [tui]."""
