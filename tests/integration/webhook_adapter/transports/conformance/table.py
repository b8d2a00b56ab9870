"""The stages by the names of their platforms."""

from tests.integration.webhook_adapter.transports.conformance.github_stage import GitHubStage
from tests.integration.webhook_adapter.transports.conformance.mail_stage import MailStage
from tests.integration.webhook_adapter.transports.conformance.push_stage import PushStage
from tests.integration.webhook_adapter.transports.conformance.stages import (
    LogbookStage,
    Stage,
    TelegramStage,
    WebStage,
)

STAGES: dict[str, type[Stage]] = {
    "telegram": TelegramStage,
    "web": WebStage,
    "logbook": LogbookStage,
    "push": PushStage,
    "mail": MailStage,
    "github": GitHubStage,
}
