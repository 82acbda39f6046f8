"""How it looks: figures, terminal tables and the HTML report, all drawn from the same numbers."""
