"""Worker processes, and who looks after them."""
