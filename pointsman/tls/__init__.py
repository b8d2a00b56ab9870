"""Certificates of a private CA, made here, and what can be read of any."""
