"""Publish records in Weights & Biases while they grow (docs/tracking.md).

A process of its own does it: a run imports no wandb and waits for no network. The record does not
depend on W&B.
"""
