"""The door: everything that speaks a chat platform or HTTP."""
