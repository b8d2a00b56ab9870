"""Messages on their way to people: written, leased to couriers, reported."""
