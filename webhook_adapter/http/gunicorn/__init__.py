"""gunicorn around the application: its settings, its worker, and what that knows of requests and connections."""
