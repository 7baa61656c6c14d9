"""Readers of text formats that consist of records: calendars, contacts, subtitles, archived web pages."""
