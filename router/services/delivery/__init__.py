"""Commands on their way to machines: accepted, sent, tried again, ended."""
