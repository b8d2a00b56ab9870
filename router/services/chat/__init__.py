"""What people write and press in chats."""
