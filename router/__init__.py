"""The memory and the judge: sessions, routing, queues, retries, who may do what."""

__version__ = "0.1.0"
