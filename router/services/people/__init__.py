"""Persons, and how they are let in."""
