"""The use cases: one answer to one ask, and what is done around it."""
