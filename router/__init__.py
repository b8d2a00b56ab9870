"""The memory and the judge: sessions, routing, queues, retries, who may do what."""
