"""Pure values and rules of the router: no I/O, no clock."""
