"""The web console as a chat."""
