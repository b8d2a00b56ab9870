"""What somebody wrote or pressed, read from its message."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as pb

from router.api.convert.submissions import inbound, seen_before
from router.domain.errors import Refusal


@pytest.mark.parametrize(
    "request_", [{"update_key": ""}, {"update_key": "x" * 201}, {"update_key": "k", "chat": pb.ChatRef(transport="t")}]
)
def test_a_message_needs_a_key_and_a_chat(request_: dict[str, object]) -> None:
    whole = {"chat": pb.ChatRef(transport="t", chat_id="1")} | request_

    with pytest.raises(Refusal):
        inbound(chat_pb.SubmitRequest(**whole))  # type: ignore[arg-type]


def test_a_button_is_told_from_no_button() -> None:
    chat = pb.ChatRef(transport="t", chat_id="1")
    pressed = chat_pb.SubmitRequest(update_key="k", chat=chat, button=chat_pb.ButtonPress(data=""))
    written = chat_pb.SubmitRequest(update_key="k", chat=chat, text="hello")

    assert inbound(pressed).button == ""
    assert inbound(written).button is None


def test_an_answer_that_is_given_again_is_the_first_and_says_so() -> None:
    first = chat_pb.SubmitResponse(command_id="c1", state=pb.COMMAND_STATE_SENT, session_id="s1", answer="Sending")

    again = chat_pb.SubmitResponse.FromString(seen_before(first.SerializeToString()))

    assert again.duplicate
    again.duplicate = False
    assert again == first
