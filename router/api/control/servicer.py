"""The service that people and programs call, put together from its parts."""

from router.api.control.access import AccessPart
from router.api.control.answer_rules import AnswerRulesPart
from router.api.control.audience import AudiencePart
from router.api.control.audit import AuditPart
from router.api.control.bindings import BindingsPart
from router.api.control.callbacks import CallbacksPart
from router.api.control.commands import CommandsPart
from router.api.control.deferred import DeferredPart
from router.api.control.events import EventsPart
from router.api.control.notifications import NotificationsPart
from router.api.control.people import PeoplePart
from router.api.control.permissions import PermissionsPart
from router.api.control.session_messages import SessionMessagesPart
from router.api.control.sessions import SessionsPart
from router.api.control.trace import TracePart
from router.api.control.upkeep import UpkeepPart
from router.api.control.workspaces import WorkspacesPart


class ControlServicer(
    SessionsPart,
    AudiencePart,
    CommandsPart,
    DeferredPart,
    SessionMessagesPart,
    CallbacksPart,
    AnswerRulesPart,
    NotificationsPart,
    PermissionsPart,
    AccessPart,
    BindingsPart,
    PeoplePart,
    AuditPart,
    TracePart,
    EventsPart,
    UpkeepPart,
    WorkspacesPart,
):
    """All of Control."""
