"""What follows: the posterior and its gate."""
