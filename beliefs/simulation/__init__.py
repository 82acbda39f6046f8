"""WHAT COULD COME: futures, and whole studies drawn."""
