"""The read side: releases, search, the librarian and its citations."""
