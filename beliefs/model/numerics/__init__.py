"""Recursions in time, compiled."""
