"""Who may command."""

from dataclasses import dataclass, field, replace

import pytest

from pointsman.client.bindings import Binding
from webhook_adapter.transports.github.inbound.access import CACHED, Commanders, Unknown
from webhook_adapter.transports.github.inbound.delivery import Repository, Sender

ADA, BOT = Sender(7, "ada", True), Sender(8, "deps[bot]", False)
API = Repository(5, "acme/api", False)


@dataclass
class GitHub:
    permission: str = "write"
    asked: list[int] = field(default_factory=list)
    is_away: bool = False
    time: float = 0.0

    def __call__(self, _repository: Repository, sender: Sender) -> str:
        self.asked.append(sender.user_id)
        if self.is_away:
            raise Unknown("away")
        return self.permission


class Asking:
    """One repository, and whom its binding allows."""

    def __init__(self, github: GitHub, *allowed: int, writers: bool = True) -> None:
        self.known = Commanders(github, lambda: github.time)
        ids = tuple(map(str, allowed))
        self.binding = Binding("github", "5", "acme/api", "devbox", allowed=ids, writers=writers)

    def may(self, sender: Sender, repository: Repository) -> bool:
        return self.known.may(sender, repository, self.binding)


def commanders(github: GitHub, *allowed: int, writers: bool = True) -> Asking:
    return Asking(github, *allowed, writers=writers)


@pytest.mark.parametrize(
    ("permission", "may"),
    [("admin", True), ("write", True), ("read", False), ("none", False), ("", False), ("maintain", False)],
)
def test_by_permission(permission: str, may: bool) -> None:
    assert commanders(GitHub(permission)).may(ADA, API) is may


def test_by_number_and_by_no_name() -> None:
    by_number = commanders(GitHub("none"), ADA.user_id)

    assert by_number.may(replace(ADA, login="renamed"), API)
    assert not by_number.may(replace(ADA, user_id=70), API)


@pytest.mark.parametrize("sender", [BOT, replace(BOT, user_id=7)])
def test_programs_begin_nothing_whoever_lists_them(sender: Sender) -> None:
    github = GitHub("admin")

    assert not commanders(github, 7, 8).may(sender, API)
    assert github.asked == []


def test_where_people_are_named_alone_nobody_is_asked_about() -> None:
    github = GitHub("admin")

    assert not commanders(github, 70, writers=False).may(ADA, API)
    assert github.asked == []


def test_who_cannot_be_asked_about_is_not_let_in_and_asked_again() -> None:
    github = GitHub(is_away=True)
    asking = commanders(github)

    with pytest.raises(Unknown):
        asking.may(ADA, API)
    github.is_away = False
    assert asking.may(ADA, API)


def test_a_crowd_of_mentions_costs_one_call_and_what_changed_is_known_after_a_while() -> None:
    github = GitHub()
    asking = commanders(github)
    first = [asking.may(ADA, API) for _ in range(100)]
    github.permission = "read"
    github.time = CACHED - 1
    still = asking.may(ADA, API)
    github.time = CACHED + 1

    assert (set(first), still, asking.may(ADA, API)) == ({True}, True, False)
    assert github.asked == [7, 7]


def test_of_many_strangers_little_is_remembered() -> None:
    asking = commanders(GitHub("none"))
    for number in range(1, 3000):
        asking.may(replace(ADA, user_id=number), API)

    assert len(asking.known._known) <= 1024
