"""A model that is asked directly, without a program between."""
