"""What the router keeps on disk: one writer, many readers."""
