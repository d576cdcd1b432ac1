"""Noisy instruction tuning: does an optimizer notice that a part of its data is wrong?"""
