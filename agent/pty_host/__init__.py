"""What `pointsman run` is: a program of its own that holds a terminal for another."""
