"""What becomes of chats and workspaces when issues are closed or move, and when the App is taken out of repositories.

A delivery only says that something happened, maybe long ago: what holds now GitHub is asked, before a workspace is said
to be over. What it does not say keeps that as it is.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

import uuid_utils

from pointsman.client.bindings import Binding
from pointsman.client.errors import RouterError
from pointsman.client.records import Chat, Session
from pointsman.client.workspaces import Workspace
from webhook_adapter.model import ChatChange, Submission, Submitted
from webhook_adapter.transports.github.inbound.access import Unknown
from webhook_adapter.transports.github.inbound.delivery import OutOfReach, Turned
from webhook_adapter.transports.github.inbound.workspaces import is_over, key_of
from webhook_adapter.transports.github.outbound.client import ApiRefused, GitHubClient, GitHubError
from webhook_adapter.transports.lifecycle import Handled, Outcome

logger = logging.getLogger(__name__)

GITHUB = "github"
_ELSEWHERE = "the issue was transferred to a repository that no machine works for"
_DELETED = "the issue was deleted"
_OUT_OF_REACH = "the App was taken out of {name}, or suspended there"
_NO_MORE = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class Asked(Protocol):
    """What is asked of the router. Every method raises RouterError."""

    def bindings(self, transport: str = "") -> list[Binding]:
        """What is bound."""

    def sessions(self, *, include_ended: bool) -> list[Session]:
        """All sessions."""

    def workspaces(self) -> list[Workspace]:
        """Those that are not gone."""

    def say_workspace_over(self, key: str, *, over: bool) -> Workspace:
        """What it is for is over, or is not after all."""


class GitHubLifecycle:
    """Of one App."""

    def __init__(
        self,
        app_id: int,
        client: GitHubClient,
        router: Callable[[], Asked],
        submit: Callable[[Submission], Submitted],
    ) -> None:
        """`router` is asked only now: nothing connects before it is needed."""
        self._app, self._client, self._router, self._submit = app_id, client, router, submit

    def take(self, found: Turned | OutOfReach) -> Handled:
        """Take what was told. Raises RouterError or Unknown when it must come again."""
        if isinstance(found, OutOfReach):
            return self._out_of_reach(found)
        is_known = self._workspace(found)
        chats = self._chats(found.chat_id) if found.action in ("transferred", "deleted") else []
        for chat_id in chats:
            key = f"github:{self._app}:chat{chat_id}:{found.action}"
            self._tell(key, chat_id, self._change(found))
        about = f"chat={found.chat_id} {found.action}"
        return Handled(Outcome.STORED if is_known or chats else Outcome.IGNORED, about=about)

    def _workspace(self, found: Turned) -> bool:
        """Say of the workspace what GitHub says now; whether there is one."""
        key = key_of(found.repository.repository_id, found.number)
        # First of all whether there is any: most issues are no affair of ours, and cost GitHub nothing.
        known = next((each for each in self._router().workspaces() if each.key == key), None)
        if known is None:
            return False
        over = is_over(self._client, key, known.ref)
        logger.info("workspace key=%s %s over=%s", key, found.action, over)
        if over is not None:
            say(self._router(), key, over=over)
        return True

    def _change(self, found: Turned) -> ChatChange:
        if found.action == "deleted":
            return ChatChange(closed=True, words=_DELETED)
        repository_id, _, number = found.moved_to.partition("/")
        bound = {each.space for each in self._router().bindings(GITHUB)}
        if repository_id in bound and self._is_there(int(repository_id), number):
            return ChatChange(moved_to=found.moved_to)
        return ChatChange(closed=True, words=_ELSEWHERE)

    def _is_there(self, repository_id: int, number: str) -> bool:
        try:
            self._client.call(repository_id, "GET", f"/issues/{number}")
        except ApiRefused as refused:
            if refused.status in _NO_MORE and refused.after is None:
                return False
            raise Unknown(str(refused)) from None
        except GitHubError as error:
            raise Unknown(str(error)) from None
        return True

    def _out_of_reach(self, found: OutOfReach) -> Handled:
        """The workspaces stay: that nobody may look says nothing of what they are for."""
        closed = 0
        for binding in self._router().bindings(GITHUB):
            repository_id = int(binding.space) if binding.space.isdecimal() else 0
            is_meant = not found.repository_ids or repository_id in found.repository_ids
            if not repository_id or not is_meant or self._reaches(repository_id):
                continue
            for chat_id in self._chats(f"{binding.space}/"):
                # The App may come and go: each time is one of its own, and the router knows which chats are closed.
                key = f"github:{self._app}:chat{chat_id}:{uuid_utils.uuid4().hex}"
                words = _OUT_OF_REACH.format(name=binding.name)
                self._tell(key, chat_id, ChatChange(closed=True, words=words))
                closed += 1
        return Handled(Outcome.STORED if closed else Outcome.IGNORED, about=f"{found.action} chats={closed}")

    def _reaches(self, repository_id: int) -> bool:
        try:
            self._client.anew(repository_id)
        except ApiRefused as refused:
            if refused.status in _NO_MORE and refused.after is None:
                return False
            raise Unknown(str(refused)) from None
        except GitHubError as error:
            raise Unknown(str(error)) from None
        return True

    def _chats(self, begins: str) -> list[str]:
        """The chats of that repository, or the one chat, that sessions were begun in which have not ended."""
        there = (chat for each in self._router().sessions(include_ended=False) for chat in each.home)
        ids = {chat.chat_id for chat in there if chat.transport == GITHUB}
        return sorted(each for each in ids if each == begins or (begins.endswith("/") and each.startswith(begins)))

    def _tell(self, key: str, chat_id: str, change: ChatChange) -> None:
        chat, space = Chat(GITHUB, chat_id), chat_id.partition("/")[0]
        try:
            self._submit(Submission(key, chat, GITHUB, space=space, change=change))
        except RouterError as error:
            if error.code != "NOT_BOUND":  # meanwhile
                raise


def say(router: Asked, key: str, *, over: bool) -> None:
    """Say whether what a workspace is for is over. Raises RouterError."""
    try:
        router.say_workspace_over(key, over=over)
    except RouterError as error:
        if error.status != "NOT_FOUND":  # it is gone meanwhile
            raise
