"""What comes next: futures from posterior draws."""
