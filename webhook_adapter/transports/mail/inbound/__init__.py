"""From a mailbox to the router."""
