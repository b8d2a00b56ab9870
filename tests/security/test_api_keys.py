"""API keys end by themselves, tell when they were last used, and wrong ones are counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from router.api.key_limits import BURST
from router.config import SHORTEST_KEY, RouterConfig, SettingsError
from router.domain.audit import AuditEvent
from router.services.links.presence import WRITE_EVERY
from router.store import api_keys, audit
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.security.test_revoked_keys import STREAMS, Opened
from tests.waiting import wait_until

DAY = 86400.0
WRONG = "pmk_" + "w" * 43


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def made(
    router: RouterUnderTest, role: "pb.Role.ValueType" = pb.ROLE_VIEWER, ttl: float | None = None
) -> pb.CreateApiKeyResponse:
    span = None if ttl is None else Duration(seconds=int(ttl))
    return router.control.CreateApiKey(pb.CreateApiKeyRequest(label="ci", role=role, ttl=span))


def look(router: RouterUnderTest, secret: str) -> pb.ListSessionsResponse:
    return router.caller(secret).control.ListSessions(pb.ListSessionsRequest())


def refused(router: RouterUnderTest, secret: str) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as error:
        look(router, secret)
    return error.value


def listed(router: RouterUnderTest, key_id: str) -> pb.ApiKey:
    return next(key for key in router.control.ListApiKeys(pb.ListApiKeysRequest()).keys if key.key_id == key_id)


def retry_after(error: grpc.RpcError) -> float:
    found = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(found) for detail in rpc_status.from_call(error).details)  # type: ignore[arg-type]
    return found.retry_delay.ToTimedelta().total_seconds()


def test_a_key_is_good_until_its_time_is_over_and_then_says_so(router: RouterUnderTest) -> None:
    key = made(router, ttl=90 * DAY)

    router.advance(90 * DAY - 60)
    assert look(router, key.secret) is not None
    router.advance(120)
    error = refused(router, key.secret)

    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAUTHENTICATED, "KEY_EXPIRED")
    assert "pointsman apikey create --role viewer" in (error.details() or "")
    assert listed(router, key.key.key_id).expires_at == key.key.expires_at


def test_it_is_over_after_a_restart_too_and_whose_it_was_is_told_in_the_audit(router: RouterUnderTest) -> None:
    key = made(router, ttl=60)
    router.advance(61)
    router.restart()

    refused(router, key.secret)

    [entry] = wait_until(lambda: told_refused(router)) or []
    assert (entry.identity, entry.detail) == (key.key.key_id, "KEY_EXPIRED")


def told_refused(router: RouterUnderTest) -> list[Any]:
    entries = router.read(lambda c: audit.after(c, 0, 0.0, 1000))
    return [each for each in entries if each.event == AuditEvent.REFUSED.value]


def test_one_without_a_time_is_good_for_good(router: RouterUnderTest) -> None:
    key = made(router)

    router.advance(20 * 365 * DAY)

    assert look(router, key.secret) is not None
    assert not key.key.HasField("expires_at")
    assert router.control.ListApiKeys(pb.ListApiKeysRequest()) is not None  # nor does that of the settings end


@pytest.mark.parametrize("ttl", [0, -5, 11 * 365 * DAY])
def test_a_time_that_is_none_is_refused(router: RouterUnderTest, ttl: float) -> None:
    with pytest.raises(grpc.RpcError) as error:
        made(router, ttl=ttl)

    assert reason_of(error.value) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(("role", "opened"), STREAMS)
def test_its_open_streams_end_with_it(router: RouterUnderTest, role: "pb.Role.ValueType", opened: Opened) -> None:
    key, other = made(router, role, ttl=30), made(router, role, ttl=DAY)
    router.session(router.machine())
    stream, kept = opened(router.caller(key.secret)), opened(router.caller(other.secret))

    router.advance(31)
    with pytest.raises(grpc.RpcError) as ended:
        next(stream)

    assert reason_of(ended.value) == "KEY_EXPIRED"
    assert kept.is_active()
    kept.cancel()


def test_whoever_stole_it_comes_back_with_no_join_token_that_it_made(router: RouterUnderTest) -> None:
    key = made(router, pb.ROLE_ADMIN, ttl=60)
    token = router.caller(key.secret).control.CreateJoinToken(pb.CreateJoinTokenRequest()).join_token

    router.advance(61)
    wait_until(lambda: not router.control.ListJoinTokens(pb.ListJoinTokensRequest()).join_tokens)

    with pytest.raises(grpc.RpcError) as error:
        router.stranger().enrol(token)
    assert reason_of(error.value) == "JOIN_TOKEN_INVALID"


def test_the_list_tells_when_a_key_was_last_used(router: RouterUnderTest) -> None:
    key = made(router)
    assert not listed(router, key.key.key_id).HasField("last_used_at")

    look(router, key.secret)

    used = listed(router, key.key.key_id).last_used_at.ToNanoseconds() / 1e9
    assert abs(used - router.time.now()) < 60


def on_disk(router: RouterUnderTest, key_id: str) -> float | None:
    return next(key.used_at for key in router.read(api_keys.page) if key.key_id == key_id)


def test_that_is_written_once_a_minute_and_not_by_the_call(router: RouterUnderTest) -> None:
    key = made(router)
    for _ in range(3):
        look(router, key.secret)
    assert on_disk(router, key.key.key_id) is None

    router.advance(WRITE_EVERY + 1)

    assert wait_until(lambda: on_disk(router, key.key.key_id))
    told = listed(router, key.key.key_id).last_used_at
    router.restart()
    assert listed(router, key.key.key_id).last_used_at == told


def test_who_holds_a_stream_open_uses_their_key(router: RouterUnderTest) -> None:
    key = made(router)
    stream = router.caller(key.secret).control.WatchEvents(pb.WatchEventsRequest(from_now_on=True))
    stream.initial_metadata()

    router.advance(3 * DAY)

    used = listed(router, key.key.key_id).last_used_at.ToNanoseconds() / 1e9
    assert abs(used - router.time.now()) < 60
    stream.cancel()


def test_too_many_wrong_keys_of_an_address_are_told_when_to_come_again_and_right_ones_are_taken(
    router: RouterUnderTest,
) -> None:
    reasons = [reason_of(refused(router, WRONG)) for _ in range(int(BURST))]
    error = refused(router, WRONG)

    assert reasons == ["UNAUTHENTICATED"] * int(BURST)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_WRONG_KEYS")
    assert 0 < retry_after(error) <= 1
    assert router.control.ListSessions(pb.ListSessionsRequest()) is not None
    router.advance(60)
    assert reason_of(refused(router, WRONG)) == "UNAUTHENTICATED"


@pytest.mark.parametrize("name", ["POINTSMAN_API_KEY", "POINTSMAN_ADAPTER_KEY"])
def test_a_key_of_the_settings_that_cannot_hold_256_bits_is_refused(name: str) -> None:
    environ = {"POINTSMAN_DATA_DIR": "/tmp/nowhere", name: "k" * (SHORTEST_KEY - 1)}

    with pytest.raises(SettingsError, match=f"{name} has 42 characters"):
        RouterConfig.from_environ(environ)

    assert RouterConfig.from_environ(environ | {name: "k" * SHORTEST_KEY}).keys
