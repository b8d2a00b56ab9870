"""From the router's outbox to a mail server."""
