"""For a gunicorn of your own: `gunicorn -c python:webhook_adapter.http.gunicorn.conf webhook_adapter.wsgi`."""

from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.logs import log_to_stderr
from webhook_adapter.router.client import RouterClient

_config = AdapterConfig.from_process()
log_to_stderr(_config.secrets)
application = create_app(_config, RouterClient(_config))
