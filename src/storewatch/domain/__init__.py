"""The report rules: pure functions of polls, hours, zones and an instant."""
