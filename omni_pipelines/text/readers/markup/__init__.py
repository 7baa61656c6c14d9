"""Readers of languages in which people mark up text by hand: Org, MediaWiki, TeX, man pages, Texinfo."""
