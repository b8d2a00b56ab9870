"""Pure values and rules of the agent: no I/O, no clock."""
