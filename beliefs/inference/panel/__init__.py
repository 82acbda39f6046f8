"""Learning from many conflicts: populations, and new conflicts that start from one."""
