"""WHAT WAS SAID: run folders, updates."""
