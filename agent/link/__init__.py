"""The link to the router: a protocol core without I/O, and the driver that carries it."""
