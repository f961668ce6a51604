"""``python -m mcuq``: the command line."""

from mcuq.cli import main

main()
