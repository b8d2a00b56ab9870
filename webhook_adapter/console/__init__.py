"""The web console: a Flask blueprint and the one page it serves."""
