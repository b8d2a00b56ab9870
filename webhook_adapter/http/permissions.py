"""REST: permission questions, and answers to them."""

from collections.abc import Callable

from flask import Blueprint

from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from pointsman.client.records import Origin
from webhook_adapter.endpoints import endpoint
from webhook_adapter.http import bodies
from webhook_adapter.http.permission_bodies import AnswerPermission, ListPermissions, Permission

_REST = Origin("rest")


def add_permissions(blueprint: Blueprint, control: Callable[[], Control], keyed: tuple[int, ...]) -> None:
    """The endpoints; `keyed`: what each call with a key may be refused with."""

    @blueprint.get("/permissions")
    @endpoint("permissions", *keyed, 404)
    def list_permissions(asked: ListPermissions) -> list[Permission]:
        """The questions that wait for an answer, newest first."""
        found = control().permissions(asked.session_id, limit=asked.limit, closed=asked.closed)
        return [bodies.shown(Permission, each) for each in found]

    @blueprint.get("/permissions/<permission_id>")
    @endpoint("permissions", *keyed, 404)
    def get_permission(permission_id: str) -> Permission:
        """One question, whole, whatever became of it."""
        found = control().permissions(permission_id=permission_id)
        if not found:
            raise RouterError("NOT_FOUND", f"There is no question {permission_id[:128]}.")
        return bodies.shown(Permission, found[0])

    @blueprint.post("/permissions/<permission_id>")
    @endpoint("permissions", *keyed, 404, 409)
    def answer_permission(permission_id: str, asked: AnswerPermission) -> Permission:
        """Answer a question; the first answer counts, from wherever it comes."""
        decided = control().respond(
            permission_id, asked.input_digest, asked.option, asked.text, updated_input=asked.updated_input,
            answers=asked.form, request=asked.idempotency_key or "", origin=_REST,
        )  # fmt: skip
        return bodies.shown(Permission, decided)
