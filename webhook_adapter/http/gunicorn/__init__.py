"""gunicorn around the application: its settings and its worker."""
