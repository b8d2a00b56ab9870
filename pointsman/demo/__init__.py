"""`pointsman demo`: the whole system on loopback, and a reply that travels through it."""
