"""What stands above the quoted mail, as people's mail programs write it."""

import pytest

from webhook_adapter.transports.mail.inbound.html_text import text_of
from webhook_adapter.transports.mail.inbound.quotes import own_words

ADDRESS = "pointsman@example.org"
TOKEN = "pointsman+aaaabbbbccccddddeeeeffffgggghhhhiiiijjjjkkkkl@example.org"
GMAIL = f"""On Mon, Nov 30, 2026 at 10:12 AM Pointsman <{ADDRESS}> wrote:

> May it use Bash?
>
> 1. Allow
"""
GMAIL_BROKEN = f"""On Mon, Nov 30, 2026 at 10:12 AM Pointsman <
{ADDRESS}> wrote:

> May it use Bash?
"""
GMAIL_GERMAN = f"Am Mo., 30. Nov. 2026 um 10:12 Uhr schrieb Pointsman <{ADDRESS}>:\n\n> Darf es?\n"
GMAIL_JAPANESE = f"2026年11月30日(月) 10:12 Pointsman <{ADDRESS}>:\n\n> May it?\n"
APPLE = f"> On 30 Nov 2026, at 10:12, Pointsman <{ADDRESS}> wrote:\n> \n> May it?\n"
APPLE_FRENCH = f"> Le 30 nov. 2026 à 10:12, Pointsman <{ADDRESS}> a écrit :\n> \n> May it?\n"
IPHONE = f"Sent from my iPhone\n\n{APPLE}"
IPHONE_GERMAN = f"Von meinem iPhone gesendet\n\n> Am 30.11.2026 um 10:12 schrieb Pointsman <{ADDRESS}>:\n> \n> ?\n"
THUNDERBIRD = "On 30.11.26 10:12, Pointsman wrote:\n> May it?\n>\n"
THUNDERBIRD_GERMAN = "Am 30.11.26 um 10:12 schrieb Pointsman:\n> Darf es?\n"
OUTLOOK = f"""From: Pointsman <{ADDRESS}>
Sent: Monday, November 30, 2026 10:12 AM
To: Ada <ada@example.com>
Subject: [Pointsman] devbox

May it use Bash?
"""
OUTLOOK_RULED = f"________________________________\n{OUTLOOK}"
OUTLOOK_GERMAN = "Von: Pointsman\nGesendet: Montag, 30. November 2026 10:12\nAn: Ada\nBetreff: x\n\nDarf es?\n"
OUTLOOK_OLD = f"-----Original Message-----\nFrom: Pointsman [mailto:{TOKEN}]\nSent: Monday\n\nMay it?\n"
OUTLOOK_OLD_GERMAN = "-----Ursprüngliche Nachricht-----\nVon: Pointsman\n\nDarf es?\n"
OUTLOOK_PHONE = f"Get Outlook for Android<https://aka.ms/x>\n{OUTLOOK_RULED}"
YAHOO = f"On Monday, November 30, 2026 at 10:12:00 AM GMT+1, Pointsman <{TOKEN}> wrote:\n\n May it?\n"
SIGNED = f"-- \nAda Lovelace\nAnalytical Engines Ltd.\n\n{GMAIL}"
PROTON = f"Sent with Proton Mail.\n\nOn Monday, November 30th, 2026 at 10:12, Pointsman <{ADDRESS}> wrote:\n\n> ?"
BELOW = [
    *("GMAIL", "GMAIL_BROKEN", "GMAIL_GERMAN", "GMAIL_JAPANESE", "APPLE", "APPLE_FRENCH", "IPHONE", "IPHONE_GERMAN"),
    *("THUNDERBIRD", "THUNDERBIRD_GERMAN", "OUTLOOK", "OUTLOOK_RULED", "OUTLOOK_GERMAN", "OUTLOOK_OLD", "PROTON"),
    *("OUTLOOK_OLD_GERMAN", "OUTLOOK_PHONE", "YAHOO", "SIGNED"),
]
WORDS = "Use the sandbox: it is there.\n\n- first this\n- then that"


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("between", ["\n", "\n\n", "\r\n\r\n"], ids=["at once", "after a line", "CRLF"])
def test_what_stands_above_it_is_what_somebody_wrote(below: str, between: str) -> None:
    assert own_words(WORDS + between + globals()[below], ADDRESS) == WORDS


@pytest.mark.parametrize("below", BELOW)
def test_who_wrote_nothing_above_it_wrote_nothing(below: str) -> None:
    assert own_words(globals()[below], ADDRESS) == ""


@pytest.mark.parametrize(
    "text",
    [
        "From: now on, use the sandbox.",
        "Run it with --force\n--\x20x",
        "Mail it to pointsman@example.org when it is done.\nThen stop.",
        "a > b\nif a > 2: stop",
        "On Monday I wrote the tests.\nRun them.",
        "See https://example.org/a-----b-----c",
        "# title\n\n---\n\nmore below a ruler\n----------------------\nand more",
        "Sent from my phone is what it should say.\nPut that into the page.",
        "date: 2026-11-30\nname: x",
    ],
)
def test_words_that_look_like_it_stay(text: str) -> None:
    assert own_words(text, ADDRESS) == text


def test_words_between_quoted_lines_do_not_count() -> None:
    assert own_words("yes\n\n> May it?\n\nno\n> Really?\n", ADDRESS) == "yes"


def test_blanks_that_nobody_sees_are_none() -> None:
    assert own_words("\u200b1\u00a0\ufeff\n", ADDRESS) == "1"


GMAIL_PAGE = f"""<div dir="ltr">2<div><br></div></div><br><div class="gmail_quote gmail_quote_container"><div
class="gmail_attr">On Mon, Pointsman &lt;{ADDRESS}&gt; wrote:<br></div><blockquote>May it?</blockquote></div>"""
OUTLOOK_PAGE = f"""<html><head><style>p{{x:1}}</style></head><body><p class="MsoNormal">2</p><div style="border:none">
<p><b>From:</b> Pointsman &lt;{ADDRESS}&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Ada</p></div><p>May it?</p>"""
OUTLOOK_WEB_PAGE = """<div>2</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg">From: x</div><p>May it?"""
THUNDERBIRD_PAGE = '<p>2</p><div class="moz-cite-prefix">On 30.11.26 P wrote:</div><blockquote type="cite">?'
APPLE_PAGE = "2<br><br>Sent from my iPhone<br><blockquote type='cite'>On x, P wrote:<br><br></blockquote>"
MARKUP = "<p>first&amp; <b>bold</b></p><ul><li>a<li>b</ul><pre>  x = 1\n  y</pre>"


@pytest.mark.parametrize(
    "page",
    [GMAIL_PAGE, OUTLOOK_PAGE, OUTLOOK_WEB_PAGE, THUNDERBIRD_PAGE, APPLE_PAGE],
    ids=["Gmail", "Outlook", "Outlook on the web", "Thunderbird", "Apple Mail"],
)
def test_an_answer_that_is_html_alone(page: str) -> None:
    assert own_words(text_of(page), ADDRESS) == "2"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (MARKUP, "first& bold\n\n- a\n- b\n\n  x = 1\n  y"),
        ("<title>t</title><body>a<script>alert(1)</script><!-- c -->b", "ab"),
        ("plain & simple < 3", "plain & simple < 3"),
    ],
    ids=["markup", "unseen", "no markup"],
)
def test_a_page_becomes_text(page: str, text: str) -> None:
    assert own_words(text_of(page), ADDRESS) == text
