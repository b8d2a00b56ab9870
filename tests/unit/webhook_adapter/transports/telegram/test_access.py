"""Who may command machines."""

import pytest

from webhook_adapter.transports.telegram.access import AllowList

ADA, EVE = 99, 666
GROUP = -1001234567890


@pytest.mark.parametrize(
    ("chats", "users", "chat", "user", "allowed"),
    [
        ((), (), ADA, ADA, False),
        ((ADA,), (), ADA, ADA, True),
        ((ADA,), (), EVE, EVE, False),
        ((GROUP,), (), GROUP, EVE, True),
        ((), (ADA,), ADA, ADA, True),
        ((), (ADA,), GROUP, ADA, False),
        ((), (ADA,), EVE, EVE, False),
        ((GROUP,), (ADA,), GROUP, ADA, True),
        ((GROUP,), (ADA,), GROUP, EVE, False),
        ((GROUP,), (ADA,), -5, ADA, False),
        ((GROUP,), (ADA,), ADA, ADA, False),
        ((GROUP, ADA), (ADA,), ADA, ADA, True),
    ],
)
def test_every_list_that_is_given_must_match(
    chats: tuple[int, ...], users: tuple[int, ...], chat: int, user: int, allowed: bool
) -> None:
    assert AllowList(chats, users).allows(chat, user) == allowed


def test_a_group_whose_members_are_not_named_is_open() -> None:
    assert AllowList((ADA, GROUP), ()).open_groups == (GROUP,)
    assert AllowList((ADA, GROUP), (ADA,)).open_groups == ()
