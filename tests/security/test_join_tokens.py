"""Who has a join token may let one machine in: whoever runs the router sees all that are open, and ends them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from router.domain.audit import AuditEntry, AuditEvent
from router.store import audit
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of

DAY = 24 * 3600.0
Run = Callable[..., Result]


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def run(router: RouterUnderTest, data_dir: Path) -> Run:
    def invoke(*arguments: str) -> Result:
        environ = {"POINTSMAN_DATA_DIR": str(data_dir / "client"), "POINTSMAN_API_KEY": API_KEY}
        return CliRunner().invoke(pointsman, arguments, env=environ | {"POINTSMAN_ROUTER": router.address})

    return invoke


def made(router: RouterUnderTest, **asked: object) -> pb.CreateJoinTokenResponse:
    return router.control.CreateJoinToken(pb.CreateJoinTokenRequest(**asked))


def listed(router: RouterUnderTest, **asked: bool) -> list[pb.JoinToken]:
    return list(router.control.ListJoinTokens(pb.ListJoinTokensRequest(**asked)).join_tokens)


def revoke(router: RouterUnderTest, token_id: str) -> None:
    router.control.RevokeJoinToken(pb.RevokeJoinTokenRequest(token_id=token_id))


def refused(router: RouterUnderTest, token: str) -> grpc.RpcError:
    router.advance(1.1)  # a wrong one has its pause
    with pytest.raises(grpc.RpcError) as error:
        router.stranger("devbox").enrol(token)
    return error.value


def told(router: RouterUnderTest, event: AuditEvent) -> list[AuditEntry]:
    return [each for each in router.read(lambda c: audit.after(c, 0, 0.0, 1000)) if each.event == event.value]


def test_who_made_it_for_what_and_until_when_is_listed(router: RouterUnderTest) -> None:
    before = router.time.now()
    token = made(router, machine_id="devbox", ttl={"seconds": 600})

    [found] = listed(router)

    assert found.token_id == token.token_id
    assert (found.machine_id, found.created_by) == ("devbox", "from the settings")
    assert found.expires_at == token.expires_at
    assert 599 < found.expires_at.seconds - before <= 600 + 5
    assert found.created_at.ToSeconds() >= int(before)
    assert not found.HasField("used_at")


def test_its_id_says_nothing_of_its_secret(router: RouterUnderTest) -> None:
    token = made(router)

    secret = token.join_token.partition(".")[0].removeprefix("pmj_")
    assert token.token_id.removeprefix("join_") not in secret
    assert secret not in str(listed(router))
    assert reason_of(refused(router, token.token_id)) == "JOIN_TOKEN_INVALID"


def test_one_that_was_used_or_is_over_is_open_no_more_and_listed_where_all_are_asked_for(
    router: RouterUnderTest,
) -> None:
    late, used = made(router, ttl={"seconds": 60}), made(router)
    router.stranger("devbox").enrol(used.join_token)
    router.advance(61)

    assert listed(router) == []
    everything = {each.token_id: each for each in listed(router, include_over=True)}
    assert everything[used.token_id].used_by == "devbox"
    assert everything[used.token_id].HasField("used_at")
    assert everything[late.token_id].used_by == ""


def test_one_that_was_revoked_lets_nobody_in(router: RouterUnderTest) -> None:
    token = made(router, machine_id="devbox")

    revoke(router, token.token_id)

    assert reason_of(refused(router, token.join_token)) == "JOIN_TOKEN_INVALID"
    assert listed(router) == []
    [found] = listed(router, include_over=True)
    assert found.revoked
    [entry] = told(router, AuditEvent.JOIN_REVOKED)
    assert (entry.subject, entry.label) == (token.token_id, "from the settings")
    assert "for devbox" in entry.detail


def test_revoking_it_twice_is_once(router: RouterUnderTest) -> None:
    token = made(router)

    revoke(router, token.token_id)
    revoke(router, token.token_id)

    assert len(told(router, AuditEvent.JOIN_REVOKED)) == 1


def test_one_that_was_used_is_not_revoked_in_place_of_its_machine(router: RouterUnderTest) -> None:
    token = made(router)
    agent = router.stranger("devbox")
    agent.enrol(token.join_token)

    with pytest.raises(grpc.RpcError) as error:
        revoke(router, token.token_id)

    assert reason_of(error.value) == "ILLEGAL_STATE"
    assert "pointsman machine revoke devbox" in str(error.value.details())  # type: ignore[attr-defined]
    assert agent.enrol(token.join_token).machine_id == "devbox"  # a lost answer may still be asked for


def test_one_that_nobody_made_is_not_found(router: RouterUnderTest) -> None:
    with pytest.raises(grpc.RpcError) as error:
        revoke(router, "join_nothing")

    assert error.value.code() is grpc.StatusCode.NOT_FOUND


def test_those_that_a_key_made_end_with_it(router: RouterUnderTest) -> None:
    """Whoever stole a key would else come back with what they made while they had it."""
    stolen = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="laptop", role=pb.ROLE_ADMIN))
    mine = made(router)
    theirs = made(router.caller(stolen.secret))  # type: ignore[arg-type]  # its control is all that is asked

    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=stolen.key.key_id))

    assert [each.token_id for each in listed(router)] == [mine.token_id]
    assert reason_of(refused(router, theirs.join_token)) == "JOIN_TOKEN_INVALID"
    [entry] = told(router, AuditEvent.JOIN_REVOKED)
    assert entry.subject == theirs.token_id


def test_the_audit_names_the_token_that_let_a_machine_in(router: RouterUnderTest) -> None:
    token = made(router)
    router.stranger("devbox").enrol(token.join_token)

    [created] = told(router, AuditEvent.JOIN_CREATED)
    [enrolled] = told(router, AuditEvent.MACHINE_ENROLLED)
    assert created.subject == token.token_id
    assert token.token_id in enrolled.detail


@pytest.mark.parametrize("role", [pb.ROLE_OPERATOR, pb.ROLE_ADAPTER, pb.ROLE_VIEWER])
def test_nobody_but_an_admin_sees_or_ends_them(router: RouterUnderTest, role: "pb.Role.ValueType") -> None:
    token = made(router)
    control = router.caller(router.key(role)).control

    for call in (
        lambda: control.ListJoinTokens(pb.ListJoinTokensRequest()),
        lambda: control.RevokeJoinToken(pb.RevokeJoinTokenRequest(token_id=token.token_id)),
    ):
        with pytest.raises(grpc.RpcError) as error:
            call()
        assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert len(listed(router)) == 1


def test_the_command_line_lists_and_ends_them(run: Run) -> None:
    printed = run("machine", "token", "--machine", "devbox")

    listing = run("machine", "tokens").stdout.splitlines()
    token_id = listing[1].split()[0]
    ended = run("machine", "revoke-token", token_id[:10])

    assert printed.stdout.startswith("pmj_")
    assert token_id in printed.stderr
    assert listing[0].split()[:2] == ["id", "for"]
    assert listing[1].split()[1] == "devbox"
    assert ended.stdout == f"{token_id} lets nobody in any more\n"
    assert run("machine", "tokens").stderr.startswith("No open join tokens.")
    assert "revoked" in run("machine", "tokens", "--all").stdout


def test_those_that_ended_long_ago_are_removed_and_those_that_were_used_stay(router: RouterUnderTest) -> None:
    made(router)
    used = made(router)
    router.stranger("devbox").enrol(used.join_token)
    router.advance(400 * DAY)

    router.control.Cleanup(pb.CleanupRequest())

    assert [each.token_id for each in listed(router, include_over=True)] == [used.token_id]
