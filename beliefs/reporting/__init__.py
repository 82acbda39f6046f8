"""HOW IT LOOKS: figures, tables, report."""
