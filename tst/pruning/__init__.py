"""Iterative Bias Pruning over any diagnostic, and its evaluation by judges and models' answers.

``run.run_pruning(config)`` is the whole command; ``loop.prune`` is the algorithm itself.
"""
