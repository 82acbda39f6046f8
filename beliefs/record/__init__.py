"""What was said: run folders."""
