"""Beliefs integrated out by filtering."""
