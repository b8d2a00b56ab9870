"""What is said over ssh, and what is believed of what comes back."""

import json
from collections.abc import Sequence

import pytest

from pointsman.providers.process import ProcessProvider, known_hosts_line, over_ssh
from pointsman.providers.program import Result
from pointsman.providers.provider import ProviderError, State, Unsure, Wanted

WANTED = Wanted("box", "none", "pmj_once", {"POINTSMAN_ROUTER": "r:1"})


class Far:
    """The other end; `answer` is what it says."""

    def __init__(self, answer: Result) -> None:
        self.answer, self.argv, self.given = answer, [""], ""

    def __call__(self, argv: Sequence[str], patience: float, given: str = "") -> Result:  # noqa: ARG002
        self.argv, self.given = list(argv), given
        return self.answer


def provider(code: int, out: str = "", error: str = "") -> tuple[ProcessProvider, Far]:
    far = Far(Result(code, out, error))
    return ProcessProvider(("ssh", "--", "host", "pointsman"), "x", run=far), far


def test_no_secret_is_on_a_command_line() -> None:
    it, far = provider(0, json.dumps({"key": "box", "state": "running", "reference": "r"}))
    made = it.ensure(WANTED)

    assert (made.key, made.state) == ("box", State.RUNNING)
    assert far.argv == ["ssh", "--", "host", "pointsman", "machine-process"]
    assert json.loads(far.given)["join_token"] == WANTED.join_token
    assert WANTED.join_token not in repr(WANTED)


@pytest.mark.parametrize("verb", ["ensure", "start", "stop", "destroy"])
def test_where_the_connection_is_lost_it_may_have_been_done(verb: str) -> None:
    it, _ = provider(255, "", "Connection to host closed by remote host.\n")
    with pytest.raises(Unsure, match="closed by remote"):
        getattr(it, verb)(WANTED if verb == "ensure" else "box")


ODD = {"nothing": "", "no json": "Last login: today", "a list": "[1]", "deep": "[" * 100_000, "a number": "3"}


@pytest.mark.parametrize("out", ODD.values(), ids=ODD)
@pytest.mark.parametrize("verb", ["start", "listed"])
def test_odd_answers_are_errors(verb: str, out: str) -> None:
    it, _ = provider(0, out)
    with pytest.raises(ProviderError):
        getattr(it, verb)(*(["box"] if verb == "start" else []))


def test_a_state_that_nobody_knows_is_broken() -> None:
    it, _ = provider(0, json.dumps([{"key": "box", "state": "on fire"}]))

    assert [each.state for each in it.listed()] == [State.BROKEN]


def test_only_the_pinned_key_is_believed_and_nothing_is_forwarded() -> None:
    argv = over_ssh("me@host", "/data/box.known_hosts", port=2222)
    options = dict(word.split("=", 1) for word in argv if "=" in word)

    assert argv[-3:] == ("--", "me@host", "pointsman")
    assert (options["StrictHostKeyChecking"], options["BatchMode"], options["ForwardAgent"]) == ("yes", "yes", "no")
    assert (options["GlobalKnownHostsFile"], options["HostKeyAlias"]) == ("none", "pointsman")
    assert known_hosts_line("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5") == "pointsman ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n"


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "", "a;b", "$(x)"])
def test_what_could_pass_for_an_option_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match="no host"):
        over_ssh(host, "/x")
    with pytest.raises(ValueError, match="no host"):
        over_ssh("host", "/x", program=host)


@pytest.mark.parametrize("key", ["", "AAAA", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\nother ssh-rsa AAAA"])
def test_one_key_is_pinned_and_no_more(key: str) -> None:
    with pytest.raises(ValueError, match="host_key"):
        known_hosts_line(key)
