"""Workspaces for the page: as they stand, closed or kept. The router says which the person at this browser reaches."""

from typing import Annotated

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct

from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleRouter
from webhook_adapter.json_bodies import body

FOR_ALL = frozenset({"sweep_workspaces"})  # it only says what would be done
OPERATORS = frozenset({"close_workspace", "keep_workspace"})
_Key = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{8,64}\Z")]


class OfWorkspace(Struct):
    """A workspace. `key` is the UUID that the page gave the request."""

    key: _Key
    workspace: Annotated[str, Meta(min_length=1, max_length=128)]


class Sweep(Struct):
    """What the janitor would do."""

    key: _Key


def add_workspaces(blueprint: Blueprint, router: ConsoleRouter) -> None:
    """Give the blueprint its endpoints."""

    @blueprint.get("/console/api/workspaces")
    def workspaces() -> ResponseReturnValue:
        return jsonify(workspaces=present.all_shown(router.own.workspaces(login_id=g.visitor.session_id)))

    @blueprint.post("/console/api/close-workspace")
    def close_workspace() -> ResponseReturnValue:
        return _said(body(OfWorkspace), over=True)

    @blueprint.post("/console/api/keep-workspace")
    def keep_workspace() -> ResponseReturnValue:
        return _said(body(OfWorkspace), over=False)

    @blueprint.post("/console/api/sweep-workspaces")
    def sweep_workspaces() -> ResponseReturnValue:
        sent, who = body(Sweep), g.visitor.session_id
        decisions = router.own.sweep_workspaces(dry_run=True, request=f"web:{sent.key}", login_id=who)
        return jsonify(decisions=present.all_shown(decisions))

    def _said(sent: OfWorkspace, *, over: bool) -> ResponseReturnValue:
        request, who = f"web:{sent.key}", g.visitor.session_id
        known = router.own.say_workspace_over(sent.workspace, over=over, request=request, login_id=who)
        return jsonify(workspace=present.shown(known))
