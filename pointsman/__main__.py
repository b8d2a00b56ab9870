"""`python -I -m pointsman`."""

from pointsman.cli import main

main()
