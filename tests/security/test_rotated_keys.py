"""A key gets another secret, and nobody who uses it is shut out on the way; nor does the old one come back."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from click.testing import CliRunner
from google.protobuf.duration_pb2 import Duration

from pointsman.config import resolve
from pointsman.group import pointsman
from pointsman.secret_files import KEYS, make_missing
from router.config import SettingsError
from router.services.people.api_keys import OVERLAP
from router.store import api_keys
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.security.test_revoked_keys import STREAMS, Opened
from tests.waiting import wait_until

DAY = 86400.0
WORDS = types.Action(input=types.Input(text="run it", submit=True))


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def made(router: RouterUnderTest, role: "pb.Role.ValueType" = pb.ROLE_OPERATOR) -> pb.CreateApiKeyResponse:
    return router.control.CreateApiKey(pb.CreateApiKeyRequest(label="ci", role=role, machines=[]))


def rotated(router: RouterUnderTest, key_id: str, overlap: float | None = None) -> str:
    span = None if overlap is None else Duration(seconds=int(overlap))
    return router.control.RotateApiKey(pb.RotateApiKeyRequest(key_id=key_id, overlap=span)).secret


def opens(router: RouterUnderTest, secret: str) -> bool:
    try:
        router.caller(secret).control.ListSessions(pb.ListSessionsRequest())
    except grpc.RpcError as error:
        told = reason_of(error)
    else:
        return True
    assert told == "KEY_EXPIRED"
    return False


def refused(router: RouterUnderTest, key_id: str, **more: Duration) -> str:
    with pytest.raises(grpc.RpcError) as error:
        router.control.RotateApiKey(pb.RotateApiKeyRequest(key_id=key_id, **more))
    return reason_of(error.value)


def listed(router: RouterUnderTest, key_id: str) -> pb.ApiKey:
    return next(key for key in router.control.ListApiKeys(pb.ListApiKeysRequest()).keys if key.key_id == key_id)


def test_the_old_secret_stays_good_until_the_new_one_was_used_for_a_day(router: RouterUnderTest) -> None:
    key = made(router)
    new = rotated(router, key.key.key_id)

    router.advance(30 * DAY)  # nobody has given the new one to whoever uses the key
    assert opens(router, key.secret)
    assert listed(router, key.key.key_id).old_secret_good
    assert opens(router, new)
    router.advance(OVERLAP - 60)
    assert opens(router, key.secret)
    until = listed(router, key.key.key_id).old_secret_until.ToNanoseconds() / 1e9
    assert 0 < until - router.time.now() <= 60
    router.advance(120)

    assert not opens(router, key.secret)
    assert opens(router, new)
    assert not listed(router, key.key.key_id).old_secret_good


def test_it_is_the_same_key_to_everybody_else(router: RouterUnderTest) -> None:
    key, session_id = made(router), router.session(router.machine())
    request = pb.SendCommandRequest(session_id=session_id, action=WORDS, request_id="1")
    sent = router.caller(key.secret).control.SendCommand(request).command

    new = rotated(router, key.key.key_id)
    again = router.caller(new).control.SendCommand(request).command

    assert again.command_id == sent.command_id
    assert again.origin.actor == "ci"
    assert listed(router, key.key.key_id).created_at == key.key.created_at


@pytest.mark.parametrize(("role", "opened"), STREAMS)
def test_streams_of_the_old_secret_end_with_it(
    router: RouterUnderTest, role: "pb.Role.ValueType", opened: Opened
) -> None:
    key = made(router, role)
    router.session(router.machine())
    stream = opened(router.caller(key.secret))
    new = rotated(router, key.key.key_id, overlap=60)
    kept = opened(router.caller(new))
    router.settle()
    assert stream.is_active()

    router.advance(61)
    with pytest.raises(grpc.RpcError) as ended:
        next(stream)

    assert reason_of(ended.value) == "KEY_EXPIRED"
    assert kept.is_active()
    kept.cancel()


def test_at_once_ends_the_old_secret_with_its_streams(router: RouterUnderTest) -> None:
    key = made(router)
    stream = router.caller(key.secret).control.WatchEvents(pb.WatchEventsRequest(from_now_on=True))
    stream.initial_metadata()

    new = rotated(router, key.key.key_id, overlap=0)
    with pytest.raises(grpc.RpcError) as ended:
        next(stream)

    assert reason_of(ended.value) == "KEY_EXPIRED"
    assert not opens(router, key.secret)
    assert opens(router, new)


def test_whoever_lost_the_answer_asks_again_and_has_lost_nothing(router: RouterUnderTest) -> None:
    key = made(router)
    lost = rotated(router, key.key.key_id)

    new = rotated(router, key.key.key_id)

    assert opens(router, key.secret)
    assert not opens(router, lost)
    assert opens(router, new)
    assert opens(router, key.secret)


def test_a_third_secret_would_end_one_that_is_in_use_and_comes_later(router: RouterUnderTest) -> None:
    key = made(router)
    second = rotated(router, key.key.key_id)
    assert opens(router, second)

    assert refused(router, key.key.key_id) == "ILLEGAL_STATE"
    router.advance(OVERLAP + 1)
    third = rotated(router, key.key.key_id)

    assert [opens(router, secret) for secret in (key.secret, second, third)] == [False, True, True]


def test_or_at_once_where_both_have_to_go(router: RouterUnderTest) -> None:
    key = made(router)
    second = rotated(router, key.key.key_id)
    assert opens(router, second)

    third = rotated(router, key.key.key_id, overlap=0)

    assert [opens(router, secret) for secret in (key.secret, second, third)] == [False, False, True]


def test_it_is_as_it_was_after_a_restart(router: RouterUnderTest) -> None:
    key = made(router)
    new = rotated(router, key.key.key_id)
    router.restart()
    assert opens(router, key.secret)
    assert opens(router, new)
    assert wait_until(lambda: next(k for k in router.read(api_keys.page) if k.key_id == key.key.key_id).taken_at)

    router.restart()
    assert refused(router, key.key.key_id) == "ILLEGAL_STATE"  # it is known that the new one is in use
    router.advance(OVERLAP + 1)

    assert not opens(router, key.secret)
    router.restart()
    assert not opens(router, key.secret)
    assert opens(router, new)


def test_a_start_does_not_bring_a_rotated_secret_of_the_settings_back(router: RouterUnderTest) -> None:
    [key] = router.control.ListApiKeys(pb.ListApiKeysRequest()).keys
    new = rotated(router, key.key_id)
    assert opens(router, new)
    router.advance(OVERLAP + 1)

    router.restart()  # with the old one in its settings, as whoever started it has

    assert not opens(router, API_KEY)
    assert len(router.caller(new).control.ListApiKeys(pb.ListApiKeysRequest()).keys) == 1


def test_nor_does_one_of_a_key_that_was_revoked_since(router: RouterUnderTest) -> None:
    [key] = router.control.ListApiKeys(pb.ListApiKeysRequest()).keys
    new = rotated(router, key.key_id)
    router.caller(new).control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=key.key_id))

    with pytest.raises(SettingsError, match="the admin key in the settings was revoked"):
        router.restart()

    router.config = config(router.config.data_dir, api_key="pmk_" + "n" * 43)
    router.start()


def test_what_is_over_gets_no_secret(router: RouterUnderTest) -> None:
    revoked, expired = made(router).key.key_id, made(router).key.key_id
    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=revoked))
    short = router.control.CreateApiKey(
        pb.CreateApiKeyRequest(label="x", role=pb.ROLE_VIEWER, ttl=Duration(seconds=60))
    )
    router.advance(61)

    assert refused(router, revoked) == "ILLEGAL_STATE"
    assert refused(router, short.key.key_id) == "ILLEGAL_STATE"
    assert refused(router, "key_nobodys") == "NOT_FOUND"
    assert refused(router, expired, overlap=Duration(seconds=91 * 86400)) == "INVALID_ARGUMENT"
    assert refused(router, expired, overlap=Duration(seconds=-1)) == "INVALID_ARGUMENT"


def test_the_keys_that_up_made_are_rotated_in_their_files_and_what_runs_goes_on(data_dir: Path) -> None:
    with CliRunner().isolation():
        make_missing(resolve({}, {"POINTSMAN_DATA_DIR": str(data_dir)}), *KEYS)
    old = {name: (data_dir / name).read_text().strip() for name in ("api_key", "adapter_key")}
    settings = config(data_dir, api_key=old["api_key"], adapter_key=old["adapter_key"])
    with serving(settings) as router:
        environ = {"POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_ROUTER": router.address}

        done = CliRunner().invoke(pointsman, ["apikey", "rotate", "--own"], env=environ, catch_exceptions=False)
        new = {name: (data_dir / name).read_text().strip() for name in old}
        router.restart()  # with the old ones, as the supervisor starts it

        assert done.exit_code == 0
        assert "Restart `pointsman up`" in done.stdout
        assert not set(new.values()) & set(old.values())
        assert not [secret for secret in new.values() if secret in done.output]
        assert all(opens(router, secret) for secret in [*old.values(), *new.values()])
        assert (data_dir / "api_key").stat().st_mode & 0o777 == 0o600
        assert len(router.caller(new["api_key"]).control.ListApiKeys(pb.ListApiKeysRequest()).keys) == 2
        router.advance(OVERLAP + 1)
        router.config = config(data_dir, api_key=new["api_key"], adapter_key=new["adapter_key"])
        router.restart()
        assert [opens(router, secret) for secret in [*old.values(), *new.values()]] == [False, False, True, True]
