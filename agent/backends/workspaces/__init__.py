"""Clones of repositories, and what becomes of them; nothing here decides what may go."""
