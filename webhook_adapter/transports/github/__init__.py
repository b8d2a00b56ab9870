"""GitHub: issues, pull requests and review threads as chats."""
