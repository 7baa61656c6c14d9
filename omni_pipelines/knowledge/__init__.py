"""The reading side: the state of a home, search, answers, quality, and the librarian that offers them."""
