"""WAS IT RIGHT: scores, backtests, calibration, claims, comparison."""
