"""Who may command machines."""

import pytest

from webhook_adapter.transports.telegram.inbound.access import AllowList

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


@pytest.mark.parametrize(
    ("chats", "users", "chat", "user"),
    [
        ((), (), EVE, EVE),
        ((), (), GROUP, EVE),
        ((ADA,), (), EVE, EVE),
        ((ADA,), (), GROUP, EVE),
        ((), (ADA,), EVE, EVE),
        ((), (ADA,), GROUP, ADA),
        ((), (ADA,), GROUP, EVE),
        ((GROUP,), (ADA,), GROUP, EVE),
        ((GROUP,), (ADA,), ADA, ADA),
        ((GROUP, ADA), (ADA,), EVE, EVE),
    ],
)
def test_what_is_to_be_pasted_lets_them_in_and_nobody_out(
    chats: tuple[int, ...], users: tuple[int, ...], chat: int, user: int
) -> None:
    before = AllowList(chats, users)
    pasted = {"ALLOWED_CHAT_IDS": ",".join(map(str, chats)), "ALLOWED_USER_IDS": ",".join(map(str, users))}
    pasted |= before.to_allow(chat, user)
    after = AllowList(*(ids(pasted[name]) for name in ("ALLOWED_CHAT_IDS", "ALLOWED_USER_IDS")))

    places = [(where, who) for where in (ADA, EVE, GROUP) for who in (ADA, EVE)]
    assert after.allows(chat, user)
    assert [place for place in places if before.allows(*place) and not after.allows(*place)] == []


def ids(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(",") if each)
