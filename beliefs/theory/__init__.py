"""Who is right: rival theories as data."""
