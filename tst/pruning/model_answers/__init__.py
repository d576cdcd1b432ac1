"""Answers that models gave elsewhere: reading their files, joining, parsing, comparing."""
