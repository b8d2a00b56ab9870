"""REST: reports from outside, by whoever has a callback token and nothing else."""

from http import HTTPStatus
from typing import Annotated, Literal

from flask import Blueprint, g
from flask.typing import ResponseReturnValue
from msgspec import Meta

from pointsman.client.errors import RouterError
from webhook_adapter.endpoints import BEARER, Body, endpoint
from webhook_adapter.http.bodies import Ok
from webhook_adapter.http.keys import Keys
from webhook_adapter.http.rest import refusal
from webhook_adapter.json_bodies import InvalidRequest


class ReportBack(Body):
    """How something went that was done elsewhere."""

    outcome: Literal["ok", "failed"]
    text: Annotated[str, Meta(description="At most 6 KiB. The session is told that it is data.")] = ""


def create_blueprint(keys: Keys) -> Blueprint:
    """The endpoint."""
    blueprint = Blueprint("callbacks", __name__)

    @blueprint.before_request
    def take_token() -> None:
        g.report = keys.callback()  # the router judges its token with the report itself

    @blueprint.errorhandler(InvalidRequest)
    def malformed(error: InvalidRequest) -> ResponseReturnValue:
        try:
            g.report("")  # says nothing without an outcome, and refuses a bad token before it looks for one
        except RouterError as refused:
            if refused.code != "INVALID_ARGUMENT":
                return refusal(refused)
        return {"error": str(error), "code": "INVALID_ARGUMENT"}, HTTPStatus.BAD_REQUEST

    @blueprint.post("/callbacks")
    @endpoint("callbacks", 401, 409, 429, 503, security=(BEARER,))
    def report_back(asked: ReportBack) -> Ok:
        """Report to a session, once, with a token of `pointsman callback`; the same report again changes nothing."""
        g.report(asked.outcome, asked.text)
        return Ok()

    return blueprint
