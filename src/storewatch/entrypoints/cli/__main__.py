"""`python -m storewatch.entrypoints.cli`."""

from storewatch.entrypoints.cli import main

main()
