"""`python -m beliefs` is the command line."""

from beliefs.cli.app import entry

entry()
