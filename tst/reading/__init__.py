"""Records as tables, report and comparisons read them: verified, never run."""
