"""The courier's process: the router's outbox, brought to the platforms."""
