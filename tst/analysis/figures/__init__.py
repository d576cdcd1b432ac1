"""The report's figures as PDF for a paper, from the same records."""
