"""Sampling by NUTS."""
