"""What several diagnostics know together: their records of one plan, stacked."""
