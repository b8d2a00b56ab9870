"""Files for people: put in parts by a machine, named by its notification, given to couriers."""

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.services.files import MAX_FILE_OUT, MAX_PART
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent

DAY = 24 * 3600


def plot(size: int = 5, name: str = "plot.png", file_id: str = "f1") -> types.NotificationFile:
    return types.NotificationFile(file_id=file_id, name=name, size=size)


def put(agent: ThinAgent, *parts: bytes) -> list[int]:
    return [agent.put_part("f1", number, data) for number, data in enumerate(parts)]


def part(router: RouterUnderTest, note: types.Notification, number: int, file_id: str = "") -> bytes:
    wanted = file_id or note.files[0].file_id
    request = chat_pb.GetPartRequest(notification_id=note.notification_id, file_id=wanted, number=number)
    return bytes(router.chat.GetPart(request).data)


def test_a_file_goes_to_the_courier_with_its_notification(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with router.courier("test", "1") as courier:
        courier.connected()
        counts = [agent.put_part("f1"), *put(agent, b"abc", b"de")]
        agent.notify("n1", session, "the plot", plot())
        agent.notify("n1", session, "the plot", plot())  # its first answer was lost
        note = courier.take().notification

    assert (note.text, counts) == ("the plot", [0, 1, 2])
    assert [(file.name, file.size) for file in note.files] == [("plot.png", 5)]
    assert [part(router, note, number) for number in range(3)] == [b"abc", b"de", b""]
    assert [one.notification_id for one in router.notifications(session)] == ["n1"]


def test_a_restarted_router_says_where_to_go_on(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with router.courier("test", "1") as courier:
        courier.connected()
    put(agent, b"abc")
    agent.put_part("f1", 2, b"f")  # out of order: the one between is still wanted
    router.restart()
    back = ThinAgent(router.address, agent.machine_id, agent.key)
    asked, after = back.put_part("f1"), back.put_part("f1", 1, b"de")
    back.notify("n1", session, "the plot", plot(6))
    [note] = router.notifications(session)
    back.close()

    assert (asked, after) == (1, 3)
    assert b"".join(part(router, note, number) for number in range(3)) == b"abcdef"


@pytest.mark.parametrize("age", [0, 6 * DAY], ids=["never put", "too old to outlive the delivery"])
@pytest.mark.rule("C3")
def test_a_notification_without_all_of_its_file_is_not_accepted(
    router: RouterUnderTest, agent: ThinAgent, session: str, age: float
) -> None:
    put(agent, *([b"abcde"] if age else [b"abc"]))
    router.write(lambda tx: tx.execute("UPDATE file_parts SET created_at = created_at - ?", (age,)))
    with pytest.raises(grpc.RpcError) as refused:
        agent.notify("n1", session, "the plot", plot())

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert (router.notifications(session), agent.put_part("f1")) == ([], 0 if age else 1)


@pytest.mark.parametrize(
    "files",
    [[], [plot()] * 11, [plot(name="../x")], [plot(size=MAX_FILE_OUT + 1)], [plot(size=0)], [plot(file_id="a b")]],
    ids=["none", "too many", "path", "too large", "empty", "id"],
)
def test_files_that_cannot_be_are_refused(
    router: RouterUnderTest, agent: ThinAgent, session: str, files: list[types.NotificationFile]
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        agent.notify("n1", session, "the plot", *files)

    assert (refused.value.code(), router.notifications(session)) == (grpc.StatusCode.INVALID_ARGUMENT, [])


@pytest.mark.parametrize(
    ("file_id", "number", "data"),
    [("f1", 0, b"x" * (MAX_PART + 1)), ("f1", MAX_FILE_OUT // MAX_PART + 1, b"x"), ("a b", 0, b"x")],
    ids=["part", "file", "id"],
)
def test_parts_that_cannot_be_are_refused(agent: ThinAgent, file_id: str, number: int, data: bytes) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        agent.put_part(file_id, number, data)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_file_belongs_to_its_machine_and_its_notification(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with router.courier("test", "1") as courier:
        courier.connected()
    put(agent, b"abcde")
    other = router.machine("laptop")
    with pytest.raises(grpc.RpcError) as stolen:
        other.notify("n2", router.session(other), "mine", plot())
    with pytest.raises(grpc.RpcError) as foreign:
        other.notify("n2", session, "mine", plot())
    other.put_part("f1", 0, b"evil!")
    agent.notify("n1", session, "the plot", plot())
    [note] = router.notifications(session)
    with pytest.raises(grpc.RpcError) as another:
        part(router, note, 0, f"{other.machine_id} f1")

    assert part(router, note, 0) == b"abcde"
    assert {error.value.code() for error in (stolen, foreign, another)} == {grpc.StatusCode.NOT_FOUND}


def test_files_go_out_alone_and_in_order_where_words_alone_would_be_a_digest(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with router.courier("test", "1") as courier:
        courier.connected()
    put(agent, b"abcde")
    for number in range(6):
        agent.notify(f"n{number}", session, "the plot", plot())
    with router.courier("test", "1") as courier:
        came = []
        for _ in range(6):
            delivery = courier.take()
            came.append(delivery.notification.notification_id)
            courier.delivered(delivery, "1")

    assert came == [f"n{number}" for number in range(6)]


def test_after_a_week_a_file_is_gone(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with router.courier("test", "1") as courier:
        courier.connected()
    put(agent, b"abcde")
    agent.notify("n1", session, "the plot", plot())
    [note] = router.notifications(session)
    router.write(lambda tx: tx.execute("UPDATE file_parts SET created_at = created_at - ?", (7 * DAY + 1,)))
    router.control.Cleanup(pb.CleanupRequest())

    with pytest.raises(grpc.RpcError, match="not here any more") as gone:
        part(router, note, 0)

    assert gone.value.code() is grpc.StatusCode.NOT_FOUND
