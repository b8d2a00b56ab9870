"""What time brings: deadlines, retention, figures."""
