"""The W&B workspace of a project, as code (``python -m tst.dashboard``)."""
