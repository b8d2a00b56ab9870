"""Notes across sessions: who speaks, what they may know, and what becomes of a note."""
