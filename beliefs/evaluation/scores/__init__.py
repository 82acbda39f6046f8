"""Proper scores and skill."""
