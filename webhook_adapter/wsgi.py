"""For a gunicorn that you start yourself: `gunicorn -c python:webhook_adapter.gunicorn_conf webhook_adapter.wsgi`."""

from webhook_adapter.app import create_app
from webhook_adapter.config import AdapterConfig
from webhook_adapter.logs import log_to_stderr
from webhook_adapter.router_client import RouterClient

_config = AdapterConfig.from_process()
log_to_stderr(_config.secrets)
application = create_app(_config, RouterClient(_config))
