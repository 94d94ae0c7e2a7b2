"""Where the slices of a report are computed."""
