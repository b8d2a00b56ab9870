"""Coding agents in people's terminals that have an interface of their own beside the keyboard: the agent joins them."""
