"""The posterior after every period by sequential Monte Carlo."""
