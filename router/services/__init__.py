"""What the router does: functions that run inside one transaction, and the loops around them."""
