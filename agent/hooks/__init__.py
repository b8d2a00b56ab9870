"""The hooks of Claude Code: what they run, and how they get into its settings."""
