"""The adapter's way to the router: calls, streams, and what they say as values."""
