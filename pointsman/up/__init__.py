"""`pointsman up`: all programs of a machine under one supervisor."""
