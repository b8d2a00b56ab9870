"""Protobuf <-> values, at the door and nowhere else: one module for each noun."""
