"""A mode that asks less is an answer to questions that are not asked yet: it takes the right to answer, and no code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.test_control_signals import MODE, MODEL, told
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinLink

RULES = '[[rule]]\nname = "delete"\nneeds_code = true\nmachines = ["prod-*"]\n'
ROLES = [pb.ROLE_ADMIN, pb.ROLE_OPERATOR, pb.ROLE_ADAPTER, pb.ROLE_APPROVER, pb.ROLE_VIEWER, pb.ROLE_CHAT]
OPERATOR, APPROVER = types.PERSON_ROLE_OPERATOR, types.PERSON_ROLE_APPROVER


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    rules = data_dir / "rules.toml"
    rules.write_text(RULES)
    with serving(config(data_dir, risk_rules=rules)) as router:
        yield router


@pytest.fixture
def link(router: RouterUnderTest) -> Iterator[ThinLink]:
    with router.machine("devbox").connected(capabilities=["control"]) as link:
        yield link


def sent(router: RouterUnderTest, session: str, kind: Any, value: str, role: Any = pb.ROLE_ADMIN) -> str:
    """Why a key of that role is refused; empty where it is not."""
    action = types.Action(control=types.ControlSignal(kind=kind, value=value))
    try:
        router.caller(router.key(role)).control.SendCommand(pb.SendCommandRequest(session_id=session, action=action))
    except grpc.RpcError as error:
        return reason_of(error)
    return ""


@pytest.mark.parametrize("role", ROLES, ids=pb.Role.Name)
@pytest.mark.parametrize("value", ["default", "plan", "acceptEdits", "auto", "dontAsk"])
def test_who_may_choose_which_mode(router: RouterUnderTest, link: ThinLink, role: Any, value: str) -> None:
    may_type = role in (pb.ROLE_ADMIN, pb.ROLE_OPERATOR, pb.ROLE_ADAPTER)
    may_allow = role in (pb.ROLE_ADMIN, pb.ROLE_OPERATOR)
    asks_less = value not in ("default", "plan")

    reason = sent(router, told(link, 1), MODE, value, role)

    assert reason == (
        "PERMISSION_DENIED" if not may_type else "MODE_NOT_ALLOWED" if asks_less and not may_allow else ""
    )


@pytest.mark.parametrize(("role", "taken"), [(OPERATOR, True), (APPROVER, False)], ids=["operator", "approver"])
@pytest.mark.parametrize("by_page", [False, True], ids=["chat", "page"])
def test_a_person_who_may_not_type_changes_no_mode(
    router: RouterUnderTest, link: ThinLink, role: Any, taken: bool, by_page: bool
) -> None:
    chat = types.ChatRef(transport="page", chat_id="1")
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Ada", role=role)).code
    router.chat.Pair(chat_pb.PairRequest(chat=chat, user_id="1", code=code))
    session = told(link, 1, label="api")
    router.submit(chat, "/use api", user_id="1", needs_pairing=True)
    how: dict[str, Any] = {"session_id": session, "control": {"kind": MODE, "value": "acceptEdits"}}

    done = router.submit(
        chat, "" if by_page else "/mode acceptEdits", user_id="1", needs_pairing=True, **(how if by_page else {})
    )

    assert bool(done.command_id) == taken
    assert link.waiting() == 0 or taken


@pytest.mark.parametrize("value", ["acceptEdits", "auto", "dontAsk"])
def test_where_a_rule_wants_a_code_nobody_lets_it_ask_less(router: RouterUnderTest, value: str) -> None:
    with router.machine("prod-1").connected(capabilities=["control"]) as link:
        session = told(link, 1)

        assert sent(router, session, MODE, value) == "MODE_NOT_ALLOWED"
        assert sent(router, session, MODE, "plan") == ""
        assert sent(router, session, MODEL, "opus") == ""
