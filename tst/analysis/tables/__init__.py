"""Paper tables from records: LaTeX, Markdown, CSV."""
