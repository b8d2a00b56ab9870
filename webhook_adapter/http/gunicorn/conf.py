"""gunicorn's settings. What is not here is gunicorn's default."""

# More workers would only split the inbound stream: one process with threads answers more requests on two cores.
worker_class = "webhook_adapter.http.gunicorn.worker.PatientWorker"
workers = 1
threads = 16

worker_connections = 768  # with room below the 1024 files that a process may mostly have
sendfile = False  # it would wait for the client

keepalive = 75  # seconds; Telegram and proxies reuse connections
timeout = 60  # seconds without a sign of life before a worker is replaced
graceful_timeout = 15  # a request in flight may wait 10 s for a delivery

accesslog = None  # its lines would hold the webhook's secret path
logger_class = "webhook_adapter.http.gunicorn.worker.QuietLogger"

# The application sees the peer's own address and nothing that a header claims.
forwarded_allow_ips = ""
forwarder_headers = ""

control_socket_disable = True  # we have no use for it, and it would leave a file behind
