"""Optimizers by name, for the stress test and for noisy instruction tuning."""
