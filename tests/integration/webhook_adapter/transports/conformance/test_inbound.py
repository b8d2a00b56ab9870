"""What every chat platform must do with what people write."""

import grpc
from flask.testing import FlaskClient

from tests.integration.webhook_adapter.courier_process import API_KEY
from tests.integration.webhook_adapter.transports.conformance.play import BUTTONS, Play, over
from tests.integration.webhook_adapter.transports.conformance.stages import Can


def test_what_somebody_writes_is_handed_in_under_the_platforms_name(play: Play, http: FlaskClient) -> None:
    status = play.stage.writes(http, 1, "go on")

    [submitted] = play.router.submitted
    assert (status, submitted.text, submitted.chat.transport) == (200, "go on", play.stage.name)
    assert submitted.update_key.startswith(f"{play.stage.name}:")
    assert submitted.actor.startswith(play.stage.name)


def test_the_same_event_again_has_the_same_key(play: Play, http: FlaskClient) -> None:
    statuses = [play.stage.writes(http, number, "go on") for number in (1, 1, 2)]

    assert statuses == [200] * 3
    assert [len(play.router.submitted), len(play.router.repeated)] == [2, 1]


def test_a_press_sends_back_what_the_button_held(play: Play, http: FlaskClient) -> None:
    [message] = play.shown(play.brings("Go on?", buttons=BUTTONS))
    play.stage.writes(http, 1, press=message.buttons["Stop"], on=message.message_id)

    [submitted] = play.router.submitted
    assert submitted.button.data == "cmd:tok16characters_:exit"
    assert submitted.chat.message_id == message.message_id


def test_somebody_without_the_secret_hands_in_nothing(play: Play, http: FlaskClient) -> None:
    status = play.stage.stranger_writes(http)

    assert (status, play.router.submitted) == (401, [])


def test_what_could_not_be_stored_is_not_acknowledged(play: Play, http: FlaskClient) -> None:
    play.router.refuse_submits(grpc.StatusCode.UNAVAILABLE, times=1)
    statuses = [play.stage.writes(http, 1, "go on") for _ in range(2)]

    assert (statuses, len(play.router.submitted)) == ([503, 200], 1)


@over(Can.CALL)
def test_hooks_see_what_comes_in_on_every_platform(play: Play, http: FlaskClient) -> None:
    for _ in range(2):
        play.stage.writes(http, 1, "go on")

    figures = http.get("/metrics", headers={"X-API-Key": API_KEY}).text
    for outcome in ("stored", "duplicate"):
        assert f'pointsman_updates_total{{outcome="{outcome}",transport="{play.stage.name}"}} 1.0' in figures
