"""A courier that is killed where it stands: what was answered by mail is handed in once all the same."""

import grpc
import pytest

from tests.fakes.mails import written
from tests.fakes.smtp_server import Rude
from tests.integration.webhook_adapter.courier_process import API_KEY, CourierProcess
from tests.integration.webhook_adapter.mail.desk import ADA
from tests.integration.webhook_adapter.transports.conformance.mail_stage import MailStage
from tests.rigs.scripted_outbox import ChatLinkStandIn

pytestmark = pytest.mark.faults


def courier(router: ChatLinkStandIn, stage: MailStage) -> CourierProcess:
    settings = {"POINTSMAN_API_KEY": API_KEY, "POINTSMAN_ROUTER": router.address, **stage.settings}
    process = CourierProcess(settings)
    process.wait_ready()
    return process


def answer(stage: MailStage, text: str) -> bytes:
    return written(text, ADA, stage.smtp.arrived[-1].mail["Reply-To"].addresses[0].addr_spec, message_id="their@phone")


def test_killed_between_the_router_and_the_mark(stage: MailStage) -> None:
    with ChatLinkStandIn(api_key=API_KEY) as router:
        with courier(router, stage) as first:
            parcel = router.deliver("Done.", ADA, transport="mail", session_id="s1")
            router.wait_until_ended(parcel)
            stage.imap.held.clear()  # no STORE is answered, and none is done
            uid = stage.imap.put(answer(stage, "go on"))
            stage.imap.wait_for(lambda: "STORE" in stage.imap.said)
            first.kill()
        assert not stage.imap.is_done(uid)
        stage.imap.held.set()
        with courier(router, stage) as second:
            stage.imap.wait_for(lambda: stage.imap.is_done(uid))
            second.terminate()

        assert [each.text for each in router.submitted] == ["go on"]
        assert [each.update_key for each in router.repeated] == [router.submitted[0].update_key]


def test_killed_before_the_router_had_it(stage: MailStage) -> None:
    with ChatLinkStandIn(api_key=API_KEY) as router:
        with courier(router, stage) as first:
            parcel = router.deliver("Done.", ADA, transport="mail", session_id="s1")
            router.wait_until_ended(parcel)
            router.refuse_submits(grpc.StatusCode.UNAVAILABLE, 1)
            uid = stage.imap.put(answer(stage, "go on"))
            router.wait_for(lambda: not router.refusals_left)
            first.kill()
        with courier(router, stage) as second:
            stage.imap.wait_for(lambda: stage.imap.is_done(uid))
            second.terminate()

        assert [each.text for each in router.submitted] == ["go on"]


def test_killed_while_it_sends(stage: MailStage) -> None:
    stage.smtp.rude(".", Rude.HANG)
    with ChatLinkStandIn(api_key=API_KEY) as router:
        with courier(router, stage) as first:
            parcel = router.deliver("Done.", ADA, transport="mail", session_id="s1")
            stage.is_met()
            first.kill()
        stage.heals()
        with courier(router, stage) as second:
            router.wait_until_ended(parcel)
            second.terminate()

        assert (parcel.ended, parcel.attempts, len(stage.smtp.arrived)) == ("delivered", 2, 1)
