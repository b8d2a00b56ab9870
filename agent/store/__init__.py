"""What the agent owns on disk: its inbox, its outbox and its sessions, in one SQLite file."""
