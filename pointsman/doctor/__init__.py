"""`pointsman doctor`: what can be wrong, and its cure."""
