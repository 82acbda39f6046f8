"""Was it right: held-out checks of a fit."""
