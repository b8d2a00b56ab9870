"""The HTTP process: webhooks, REST, health."""
