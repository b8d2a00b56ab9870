"""Where machines differ, or a shell may listen, people are asked once for each pair, and can take it back."""

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.session_message import MOST_WAITING
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import listed, respond
from tests.integration.router.session_messages.talk import Talk
from tests.rigs.session_program import told
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

WAITING, SENT, REFUSED = (
    types.SESSION_MESSAGE_STATE_WAITING,
    types.SESSION_MESSAGE_STATE_SENT,
    types.SESSION_MESSAGE_STATE_REFUSED,
)


def test_nothing_is_typed_until_people_agree_and_then_it_is(talk: Talk, courier: ThinCourier) -> None:
    first = talk.says("api", "far", "first")
    second = talk.says("api", "far", "second")
    asked = courier.brought("1").notification
    waiting = talk.far.waiting()

    pressed = talk.router.submit(asked.chat, button={"data": f"cmd:{asked.token}:allow"}, actor="Ada")

    assert (first.state, second.state, waiting, pressed.answer[:9]) == (WAITING, WAITING, 0, "✅ Allowed")
    assert "api on devbox wants to send to far on laptop" in asked.text
    assert [talk.typed(talk.far).split("\n")[1] for _ in range(2)] == ["first", "second"]
    assert [each.state for each in talk.messages()] == [SENT, SENT]
    assert len(listed(talk.router, include_closed=True)) == 1


def test_it_is_remembered_over_a_restart(talk: Talk, router: RouterUnderTest) -> None:
    talk.says("api", "far")
    talk.decide("allow")
    router.restart()

    assert talk.says("api", "far").state == SENT
    assert listed(router) == []


def test_a_no_is_remembered_too(talk: Talk) -> None:
    talk.says("api", "far")
    talk.decide("deny")

    assert told(lambda: talk.says("api", "far")) == "NOT_CONSENTED"
    [message] = talk.messages()
    assert (message.state, message.command_id) == (REFUSED, "")
    assert "may not send" in message.detail
    assert talk.far.waiting() == 0


def test_it_is_for_one_direction_but_an_answer_needs_none(talk: Talk) -> None:
    sent = talk.says("api", "far")
    talk.decide("allow")

    assert talk.says("far", text="done", reply_to=sent.message_id).state == SENT
    assert talk.says("far", "api").state == WAITING


def test_it_is_taken_back_and_then_asked_anew(talk: Talk) -> None:
    talk.says("api", "far")
    talk.decide("allow")
    [given] = talk.consents()
    ended = talk.router.control.EndConsent(pb.EndConsentRequest(consent_id=given.consent_id)).consent

    assert (given.state, given.decided_by) == (types.CONSENT_STATE_GIVEN, "ada")
    assert ended.state == types.CONSENT_STATE_ENDED
    assert talk.says("api", "far").state == WAITING
    assert told(lambda: talk.router.control.EndConsent(pb.EndConsentRequest(consent_id=given.consent_id))) == (
        "ILLEGAL_STATE"
    )
    events = [each.event for each in talk.router.control.ListAuditEntries(pb.ListAuditEntriesRequest()).entries]
    assert events.count("consent_decided") == 2


def test_a_session_that_is_elsewhere_by_now_is_asked_about_anew(talk: Talk, router: RouterUnderTest) -> None:
    talk.says("api", "far")
    talk.decide("allow")
    third = router.machine("third")
    request = pb.RegisterSessionRequest(session_id="s-far", machine_id=third.machine_id)
    router.control.RegisterSession(request)

    assert talk.says("api", "s-far").state == WAITING


def test_where_a_shell_may_listen_people_are_asked_on_one_machine_too(talk: Talk, courier: ThinCourier) -> None:
    sent = talk.says("api", "sh", "rm -rf /")

    assert (sent.state, talk.link.waiting()) == (WAITING, 0)
    assert "In a shell, what is typed there is run" in courier.brought("1").notification.text


def test_who_may_only_answer_questions_may_not_let_it(talk: Talk, router: RouterUnderTest) -> None:
    talk.says("api", "far")
    [asked] = listed(router)
    approver = router.caller(router.key(pb.ROLE_APPROVER))
    allow, deny = (
        pb.RespondPermissionRequest(
            permission_id=asked.permission_id, input_digest=asked.input_digest, option_id=option
        )
        for option in ("allow", "deny")
    )

    assert told(lambda: approver.control.RespondPermission(allow)) == "PERMISSION_DENIED"
    approver.control.RespondPermission(deny)
    assert talk.messages()[0].state == REFUSED


def test_nobody_answers_for_a_day_and_the_next_one_asks_again(talk: Talk, router: RouterUnderTest) -> None:
    talk.says("api", "far")
    router.advance(24 * 3600 + 1)
    wait_until(lambda: talk.messages()[0].state == REFUSED)

    [ended] = talk.consents(over=True)
    assert ended.state == types.CONSENT_STATE_ENDED


def test_a_session_that_ends_leaves_nothing_waiting(talk: Talk, router: RouterUnderTest) -> None:
    talk.says("api", "far")
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id="s-far"))

    assert talk.messages()[0].state == REFUSED
    assert listed(router) == []


def test_the_program_itself_cannot_ask_in_a_way_that_counts(talk: Talk, router: RouterUnderTest) -> None:
    asking = pb.AskRequest(session_id="s-api", text="May api send to far?", options=["allow", "deny"], request_id="1")
    talk.inside("api").Ask(asking)
    [asked] = listed(router)
    respond(router, asked.permission_id, "1", input_digest=asked.input_digest)

    assert talk.says("api", "far").state == WAITING


def test_so_many_wait_for_people_and_no_more(talk: Talk) -> None:
    for _ in range(MOST_WAITING):
        talk.says("api", "far")

    assert told(lambda: talk.says("api", "far")) == "QUEUE_FULL"


def test_a_limited_key_sees_what_is_of_its_sessions_alone(talk: Talk, router: RouterUnderTest) -> None:
    talk.says("api", "web")
    talk.says("api", "far")
    talk.decide("allow")
    [given] = talk.consents()
    made = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_OPERATOR, machines=["devbox"]))
    limited = router.caller(made.secret).control

    assert [each.to_session_id for each in limited.ListSessionMessages(pb.ListSessionMessagesRequest()).messages] == [
        "s-web"
    ]
    assert list(limited.ListConsents(pb.ListConsentsRequest()).consents) == []
    assert told(lambda: limited.EndConsent(pb.EndConsentRequest(consent_id=given.consent_id))) == "NOT_FOUND"
