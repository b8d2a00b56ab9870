"""The front door for people: the command line and the supervisor."""
