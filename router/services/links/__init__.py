"""What machines say, and which may."""
