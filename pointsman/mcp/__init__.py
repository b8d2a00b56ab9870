"""Tools for coding agents themselves, by the Model Context Protocol: what is said, and the program that says it."""

import os

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stdio.py")  # noqa: PTH100, PTH118, PTH120 -- quick
"""The program, which is run by its path."""
