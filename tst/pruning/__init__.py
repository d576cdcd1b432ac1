"""Iterative Bias Pruning over any diagnostic, and what it bought (method.md, section 7).

``running.run_pruning(config)`` does it all; ``algorithm.prune`` is the loop itself.
"""
