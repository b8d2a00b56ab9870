"""Ways to type into a session, one module each."""
