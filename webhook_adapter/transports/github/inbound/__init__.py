"""What GitHub delivers: proven, read, and what in it is said to us."""
