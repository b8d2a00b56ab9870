"""Agent links: the protocol without I/O, and who is connected."""
