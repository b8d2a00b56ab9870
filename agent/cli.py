"""The agent's entry point: environment in, exit code out."""

import logging
import sys
from collections.abc import Mapping

import uvloop

from agent.app import run
from agent.backends.acp.table import table
from agent.backends.claude.container import found
from agent.backends.registry import backends
from agent.clock import Clock
from agent.config import Config
from agent.domain.errors import AgentError, ConfigError, NotEnrolled

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_NOT_ALLOWED = 0, 1, 2, 4


def main(environ: Mapping[str, str], clock: Clock | None = None) -> int:
    """Run the agent until SIGTERM or SIGINT. 0 stopped, 1 failed, 2 wrong settings, 4 not enrolled."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = Config.from_environ(environ)
        image, path = config.foreign_image, environ.get("PATH")
        hands = backends(
            environ, config.max_sessions, config.trusted_folders, config.workers, table(config.agents), config.records,
            found(image, path) if config.workspaces.takes_foreign else None,
            config.model, config.histories, config.prompts,
        )  # fmt: skip
        uvloop.run(run(config, hands, _ready, clock))
    except ConfigError as error:
        return _say(error, EXIT_USAGE)
    except NotEnrolled as error:
        return _say(error, EXIT_NOT_ALLOWED)
    except AgentError as error:
        return _say(error, EXIT_FAILED)
    return EXIT_OK


def _ready(machine_id: str) -> None:
    sys.stdout.write(f"ready agent {machine_id}\n")
    sys.stdout.flush()


def _say(error: AgentError, code: int) -> int:
    sys.stderr.write(f"{error.text}\n")
    return code
