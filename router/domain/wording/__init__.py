"""What people read in chats, one module for each kind of message. Couriers add a platform's format.

All sentences are the constants and tables here; the functions below them only choose and fill in. A translation gives
these names other values; what stands in braces is filled in and stays.
"""
