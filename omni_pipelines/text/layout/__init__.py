"""The text of printed pages: reading order, running heads, cut words, headings; and text that is none."""
