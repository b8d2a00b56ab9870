"""What was made from a command is found without a look at all of them."""

STATEMENTS = ["CREATE INDEX commands_redriven ON commands (redrive_of) WHERE redrive_of != ''"]
