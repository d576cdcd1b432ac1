"""What gives the answers of a test set away: shortcuts found by counting, and how to mend them."""
