"""`python -m beliefs` is the command line."""

from beliefs.cli import entry

entry()
