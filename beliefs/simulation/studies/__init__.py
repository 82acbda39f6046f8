"""Studies drawn from a theory."""
