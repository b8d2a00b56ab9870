"""Who allows another input says what is run: that is writing, and the rules look at what is run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask, standing
from tests.rigs.rpc_errors import reason_of

OPEN, ALLOWED = types.PERMISSION_STATE_OPEN, types.PERMISSION_STATE_ALLOWED
RULES = '[[rule]]\nname = "delete"\nneeds_code = true\n[[rule]]\nname = "root"\nneeds_code = true\n'
LISTS, DELETES = {"command": "ls build"}, {"command": "rm -rf build"}
OPERATOR, APPROVER, VIEWER = types.PERSON_ROLE_OPERATOR, types.PERSON_ROLE_APPROVER, types.PERSON_ROLE_VIEWER


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    rules = data_dir / "rules.toml"
    rules.write_text(RULES)
    with serving(config(data_dir, risk_rules=rules)) as router:
        yield router


def asked(router: RouterUnderTest, given: dict[str, Any], words: str = "") -> str:
    details = types.PermissionDetails(input_json=json.dumps(given), editable=True)
    machine = router.machine()
    with machine.connected() as link:
        return ask(link, router.session(machine), input=words or given["command"], details=details)


def respond(router: RouterUnderTest, question: str, given: dict[str, Any] | None, role: Any = pb.ROLE_ADMIN) -> str:
    """Why an answer with that input was refused; empty where it was taken."""
    updated = json.dumps(given) if given else ""
    request = pb.RespondPermissionRequest(
        permission_id=question, option_id="allow", input_digest="d1", updated_input=updated
    )
    try:
        router.caller(router.key(role)).control.RespondPermission(request)
    except grpc.RpcError as error:
        return reason_of(error)
    return ""


@pytest.mark.parametrize(
    ("role", "refused"),
    [(pb.ROLE_ADMIN, ""), (pb.ROLE_OPERATOR, ""), (pb.ROLE_APPROVER, "PERMISSION_DENIED")],
)
def test_a_key_that_may_only_answer_says_not_what_is_run(router: RouterUnderTest, role: Any, refused: str) -> None:
    question = asked(router, LISTS)

    assert respond(router, question, {"command": "ls"}, role) == refused
    assert standing(router, question).state == (OPEN if refused else ALLOWED)


def test_it_may_still_allow_it_as_it_is(router: RouterUnderTest) -> None:
    question = asked(router, LISTS)

    assert respond(router, question, LISTS, pb.ROLE_APPROVER) == ""
    assert standing(router, question).updated_input == ""


@pytest.mark.parametrize(
    ("role", "reason"),
    [(OPERATOR, "UNSPECIFIED"), (APPROVER, "PERMISSION_DENIED"), (VIEWER, "UNSPECIFIED")],
    ids=["operator", "approver", "viewer"],
)
def test_nor_does_a_person_who_may_only_answer(router: RouterUnderTest, role: Any, reason: str) -> None:
    place = types.ChatRef(transport="page", chat_id="1", message_id="100")
    chat = types.ChatRef(transport="page", chat_id="1")
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Ada", role=role)).code
    router.chat.Pair(chat_pb.PairRequest(chat=chat, user_id="1", code=code))
    with router.courier("page", "1") as courier:
        question = asked(router, LISTS)
        while not (note := courier.brought("100")).notification.permission_id:
            router.reported(note)  # that somebody was let in is told, too
        router.reported(note)
        answer = chat_pb.PermissionAnswer(input_digest="d1", option_id="allow", updated_input='{"command": "ls"}')

        done = router.submit(place, reply_to_message_id="100", answer=answer, user_id="1", needs_pairing=True)

    assert types.Reason.Name(done.reason) == f"REASON_{reason}"
    assert (standing(router, question).state == ALLOWED) == (role == OPERATOR)
    assert bool(done.command_id) == (role == OPERATOR)


@pytest.mark.parametrize("command", ["rm -rf build", "ls && sudo reboot"])
def test_what_becomes_risky_by_it_needs_a_code(router: RouterUnderTest, command: str) -> None:
    question = asked(router, LISTS)

    assert respond(router, question, {"command": command}) == "SECOND_FACTOR_NEEDED"
    assert standing(router, question).state == OPEN


def test_what_becomes_harmless_by_it_needs_none(router: RouterUnderTest) -> None:
    question = asked(router, DELETES)

    assert respond(router, question, None) == "SECOND_FACTOR_NEEDED"
    assert respond(router, question, LISTS) == ""
    assert standing(router, question).state == ALLOWED


def test_what_stands_in_a_diff_is_looked_at_as_it_is(router: RouterUnderTest) -> None:
    """In a diff a line begins with +, which no rule knows."""
    question = asked(router, {"file_path": "/w/x", "content": "sudo reboot"}, "+++ /w/x\n+sudo reboot")

    assert respond(router, question, None) == "SECOND_FACTOR_NEEDED"


def test_an_input_of_which_only_the_beginning_is_known_needs_a_code(router: RouterUnderTest) -> None:
    details = types.PermissionDetails(input_json='{"command": "ls', input_cut=True)
    machine = router.machine()
    with machine.connected() as link:
        question = ask(link, router.session(machine), input="ls …", details=details)

    assert respond(router, question, None) == "SECOND_FACTOR_NEEDED"
