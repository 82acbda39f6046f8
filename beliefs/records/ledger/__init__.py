"""Forecasts registered in advance, and their scores."""
