"""Terminals that somebody else made: tmux, nvim, and how one types into a program there."""
