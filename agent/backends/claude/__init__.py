"""Claude Code: what it does, its prompt, its conversation without a terminal."""
