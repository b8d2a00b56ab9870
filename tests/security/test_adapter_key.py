"""The program that faces the internet has a key of its own, and none to everything."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from click.testing import CliRunner

from pointsman.config import Program, child_environment, resolve
from pointsman.secret_files import KEYS, make_missing
from router.config import SettingsError
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask
from tests.rigs.thin_courier import ThinCourier
from webhook_adapter.config import AdapterConfig
from webhook_adapter.router.client import RouterClient

ADAPTER_KEY = "pmk_" + "a" * 43


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir, adapter_key=ADAPTER_KEY)) as router:
        yield router


@pytest.fixture
def adapter(router: RouterUnderTest) -> Iterator[RouterClient]:
    environ = {"POINTSMAN_ROUTER": router.address, "POINTSMAN_ADAPTER_KEY": ADAPTER_KEY, "POINTSMAN_API_KEY": API_KEY}
    client = RouterClient(AdapterConfig.from_environ(environ))
    yield client
    client.close()


def test_the_router_takes_it_with_its_own_role(router: RouterUnderTest) -> None:
    roles = [key.role for key in router.control.ListApiKeys(pb.ListApiKeysRequest()).keys]

    assert sorted(roles) == [pb.ROLE_ADMIN, pb.ROLE_ADAPTER]


def test_the_settings_do_not_bring_it_back_once_it_was_revoked(router: RouterUnderTest) -> None:
    for key in router.control.ListApiKeys(pb.ListApiKeysRequest()).keys:
        if key.role == pb.ROLE_ADAPTER:
            router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=key.key_id))

    with pytest.raises(SettingsError, match="put another one into POINTSMAN_ADAPTER_KEY"):
        router.restart()

    router.config = config(router.config.data_dir, adapter_key="pmk_" + "n" * 43)
    router.start()
    assert router.control.ListMachines(pb.ListMachinesRequest()) is not None


def test_it_is_made_by_itself_and_takes_the_place_of_the_other_in_the_adapters_programs(data_dir: Path) -> None:
    with CliRunner().isolation():
        make_missing(resolve({}, {"POINTSMAN_DATA_DIR": str(data_dir)}), *KEYS)
    settings = resolve({}, {"POINTSMAN_DATA_DIR": str(data_dir)})

    given = child_environment(settings, Program.ADAPTER_HTTP)

    assert given["POINTSMAN_ADAPTER_KEY"] == (data_dir / "adapter_key").read_text().strip()
    assert settings["POINTSMAN_API_KEY"] not in given.values()


def test_with_it_the_console_knows_who_has_the_key_to_everything(
    router: RouterUnderTest, adapter: RouterClient
) -> None:
    assert adapter.is_admin(API_KEY)
    assert not adapter.is_admin(ADAPTER_KEY)
    assert not adapter.is_admin(router.key(pb.ROLE_OPERATOR))
    assert not adapter.is_admin("pmk_" + "w" * 43)
    assert not adapter.is_admin("schlüssel")


def test_whom_it_acts_for_is_told_beside_it(router: RouterUnderTest) -> None:
    session_id = router.session(router.machine())
    origin = types.Origin(source="web", actor="web:console (Ada)")
    request = pb.SendCommandRequest(
        session_id=session_id, action=types.Action(key=types.KeyPress(name="esc")), origin=origin
    )

    sent = router.caller(ADAPTER_KEY).control.SendCommand(request).command

    [first, *_] = router.trace(sent.command_id)
    assert first.actor == "web:console (Ada)"
    assert first.identity


def test_it_answers_questions_as_any_person_and_by_a_press_alone(router: RouterUnderTest) -> None:
    caller = router.caller(ADAPTER_KEY)
    session_id = router.session(machine := router.machine())
    courier = ThinCourier(caller.chat, "test", "1").connected()
    with machine.connected() as link:
        question = ask(link, session_id)
        asked = courier.brought("100").notification
        with pytest.raises(grpc.RpcError) as refused:
            caller.control.RespondPermission(pb.RespondPermissionRequest(permission_id=question, option_id="allow"))
        place = types.ChatRef(transport="test", chat_id="1", message_id="100")
        press = {"data": f"cmd:{asked.token}:{asked.buttons[0].action}"}
        caller.chat.Submit(chat_pb.SubmitRequest(update_key="u", chat=place, actor="Ada", button=press))
        [given] = link.commands(1)
    courier.close()

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert given.action.permission_decision.option_id == "allow"


def test_who_approves_answers_questions_and_types_nothing(router: RouterUnderTest) -> None:
    session_id = router.session(router.machine())
    approver = router.caller(router.key(pb.ROLE_APPROVER)).control

    with pytest.raises(grpc.RpcError) as typed:
        approver.SendCommand(pb.SendCommandRequest(session_id=session_id))
    with pytest.raises(grpc.RpcError) as answered:
        approver.RespondPermission(pb.RespondPermissionRequest(permission_id="nothing", option_id="allow"))

    assert typed.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert answered.value.code() is grpc.StatusCode.NOT_FOUND  # let in, and there is no such question


def test_keys_of_one_label_get_no_answer_of_each_other(router: RouterUnderTest) -> None:
    session_id = router.session(router.machine())
    request = pb.SendCommandRequest(
        session_id=session_id, action=types.Action(key=types.KeyPress(name="esc")), request_id="1"
    )
    made = [router.control.CreateApiKey(pb.CreateApiKeyRequest(label="ci", role=pb.ROLE_OPERATOR)) for _ in range(2)]

    sent = [router.caller(key.secret).control.SendCommand(request).command.command_id for key in made]

    assert sent[0] != sent[1]
