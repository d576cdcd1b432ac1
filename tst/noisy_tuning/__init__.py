"""Noisy instruction tuning: does an optimizer notice that some of its data is wrong?"""
