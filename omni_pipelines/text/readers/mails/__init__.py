"""Mails of every form: as mail programs send them, as Outlook stores them, and pages saved as mails."""
