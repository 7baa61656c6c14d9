"""Office files from before 2007 that are read without LibreOffice: their text, headings, tables and notes."""
