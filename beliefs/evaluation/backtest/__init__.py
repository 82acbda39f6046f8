"""Forecasts from rolling origins."""
