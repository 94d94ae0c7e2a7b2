"""Small cases with expected results, against which any program that makes such reports can be run."""
