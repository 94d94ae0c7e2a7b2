"""What holds figures against each other: the reference, and reports of other programs."""
