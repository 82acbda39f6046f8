"""Claims of the source texts, judged."""
