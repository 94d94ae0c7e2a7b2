"""How a report looks in files."""
