"""WHAT IS OBSERVED: study folders, tables, as-of dates."""
