"""Coding agents that speak ACP, the Agent Client Protocol: what is the same for all, and a table of the rest."""
