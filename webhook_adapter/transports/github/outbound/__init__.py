"""From the router's outbox to GitHub's issues, pull requests and checks."""
