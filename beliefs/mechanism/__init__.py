"""Why beliefs move: one file per mechanism."""
