"""Web push: browsers that were subscribed in the console, each of them a chat."""
