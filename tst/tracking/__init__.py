"""Weights & Biases beside a run: another process tells it what the record holds (docs/tracking.md).

A run itself imports no wandb and waits for no network; the record stays what counts.
"""
