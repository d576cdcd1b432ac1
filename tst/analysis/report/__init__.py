"""The HTML report: figures computed here from records, drawn in the reader's browser."""
