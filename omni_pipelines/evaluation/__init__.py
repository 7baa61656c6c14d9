"""Measure search and answers: questions and queries whose results are known, and how good ours are."""
