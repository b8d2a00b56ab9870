"""How far a request has come, when it is whole, and what is not read on."""

import pytest

from webhook_adapter.http.gunicorn.request import FREE_BODY, MAX_BODY, Progress, Refused, Request

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
EXPECTING = POST + b"Expect: 100-continue\r\n"

WHOLE = {
    "no body": (GET, b""),
    "an empty line before it": (b"\r\n" + GET, b""),
    "a body": (POST + b"Content-Length: 3\r\n\r\n", b"abc"),
    "a length without a blank": (POST + b"content-length:3\r\n\r\n", b"abc"),
    "no length in numbers": (POST + b"Content-Length: nonsense\r\n\r\n", b""),
    "chunks": (CHUNKED, b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n"),
    "no chunks": (CHUNKED, b"0\r\n\r\n"),
    "trailers": (CHUNKED, b"3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n"),
    "an end within a chunk": (CHUNKED, b"5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
}


def come(sent: bytes, piece: int) -> Request:
    """A request that came in pieces of this size."""
    request = Request(b"", 0.0)
    for start in range(0, len(sent), piece):
        request.add(sent[start : start + piece])
        request.progress()
    return request


@pytest.mark.parametrize("piece", [1, 5, 1000])
@pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE)
def test_it_is_whole_when_its_last_byte_has_come(request_: tuple[bytes, bytes], piece: int) -> None:
    head, body = request_

    assert not come((head + body)[:-1], piece).is_whole
    assert come(head + body, piece).head_and_body() == (head.removeprefix(b"\r\n"), body)


@pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE)
def test_what_comes_behind_it_is_the_next_one(request_: tuple[bytes, bytes]) -> None:
    following = come(b"".join(request_) + GET, 1000).following(1.0)

    assert following.progress() is Progress.WHOLE
    assert following.head_and_body() == (GET, b"")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"x" * 16384, 431),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 16384 + b"\r\n\r\n", 431),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (CHUNKED + b"zz\r\n", 400),
        (CHUNKED + b"\r\n", 400),
        (CHUNKED + b"-1\r\n", 400),
        (CHUNKED + b"+1\r\n", 400),
        (CHUNKED + b"0x1\r\n", 400),
        (CHUNKED + b"1\r\nab\r\n", 400),
        (CHUNKED + b"1" * 256, 400),
        (CHUNKED + b"0\r\n" + b"A: b\r\n" * 800, 431),
        (CHUNKED + b"%x\r\n" % (MAX_BODY + 1), 413),
    ],
)
def test_what_can_become_no_request_is_refused_at_once(sent: bytes, status: int) -> None:
    with pytest.raises(Refused) as refused:
        come(sent, 1000)

    assert refused.value.status == status


def test_many_small_chunks_are_too_many_before_they_fill_the_memory() -> None:
    with pytest.raises(Refused) as refused:
        come(CHUNKED + b"1\r\nx\r\n" * MAX_BODY, 65536)

    assert refused.value.status == 413


@pytest.mark.parametrize("size", [FREE_BODY, FREE_BODY + 1])
def test_so_much_may_come_of_a_body_before_its_sender_is_known(size: int) -> None:
    counted = come(POST + b"Content-Length: %d\r\n\r\n" % size, 1000)
    chunked = come(CHUNKED + (b"%x\r\n" % MAX_BODY + b"x" * FREE_BODY)[:size], 1000)

    wanted = Progress.COMING if size == FREE_BODY else Progress.KNOWN_SENDER_WANTED
    assert (counted.progress(), chunked.progress()) == (wanted, wanted)
    for each in (counted, chunked):
        each.let_sender_go_on()
        assert each.progress() is Progress.COMING


def test_a_known_sender_may_send_a_mebibyte_and_no_more() -> None:
    come(POST + b"Content-Length: %d\r\n\r\n" % MAX_BODY, 1000).let_sender_go_on()

    with pytest.raises(Refused):
        come(POST + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1), 1000).let_sender_go_on()


def test_a_client_that_waits_for_a_word_is_to_be_told_once() -> None:
    request = come(EXPECTING + b"Content-Length: 3\r\n\r\n", 1000)

    assert [request.is_to_be_told() for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    "sent",
    [EXPECTING, POST + b"Content-Length: 3\r\n\r\n", EXPECTING.replace(b"1.1", b"1.0") + b"Content-Length: 3\r\n\r\n"],
    ids=["half a head", "no wish", "HTTP/1.0"],
)
def test_others_are_told_nothing(sent: bytes) -> None:
    assert not come(sent, 1000).is_to_be_told()


def test_what_is_large_may_take_longer() -> None:
    small, large = Request(GET[:5], 100.0), Request(b"x" * 160 * 1024, 100.0)

    assert (small.is_late(130.0), small.is_late(130.1)) == (False, True)
    assert (large.is_late(139.9), large.is_late(140.1)) == (False, True)
