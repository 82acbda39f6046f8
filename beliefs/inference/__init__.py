"""WHAT FOLLOWS: posteriors and their convergence checks."""
