"""The stages of all platforms, by name."""

from tests.integration.webhook_adapter.transports.conformance.push_stage import PushStage
from tests.integration.webhook_adapter.transports.conformance.stages import LogbookStage, Stage, TelegramStage, WebStage

STAGES: dict[str, type[Stage]] = {
    "telegram": TelegramStage,
    "web": WebStage,
    "push": PushStage,
    "logbook": LogbookStage,
}
