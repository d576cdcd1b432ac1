"""Folds that another trainer trains, or another model answers, scored into the same records."""
