"""What the agent does: takes commands, carries them out, keeps the sessions."""
