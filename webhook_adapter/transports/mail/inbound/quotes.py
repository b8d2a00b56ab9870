"""What a person wrote in an answer, without what their mail program put below it. Pure.

Mail programs mark the mail that is answered in few ways: ">" before its lines, a line such as "On …, Pointsman <…>
wrote:", a block "From: … Sent: … Subject: …", a ruler. In any language our own address stands in it, in angle brackets.
"""

import re

_RULER = re.compile(r"\s*(?:-{2,}[^-\n].{0,60}[^-\n]-{2,}|_{10,}|-{20,})\s*")
_SIGNATURE = "--"  # RFC 3676 has a blank behind it, which some programs take away
_HEADER = re.compile(r"\W{0,3}\w[\w -]{0,20}\W{0,3}:\W{0,2}(?:\s|$).*")


def _headers(*names: str) -> re.Pattern[str]:
    return re.compile(rf"\W{{0,3}}(?:{'|'.join(names)})\W{{0,3}}:.*", re.IGNORECASE)


_FROM = _headers("From", "Von", "De", "Da", "Van", "Från", "Fra", "Od", "От", "差出人", "发件人")
_SENT = _headers(
    *("Sent", "Gesendet", "Envoyé", r"Enviad[oa](?: el| em)?", "Inviato", "Verzonden", "Skickat", "Sendt", "Wysłano"),
    *("Date", "Datum", "Data", "Fecha", "Отправлено", "Дата", "日時", "发送时间"),
    *("To", "An", "À", "Para", "A", "Aan", "Till", "Til", "Do"),
)
_WROTE = re.compile(
    r".*(?:wrote|writes|schrieb|schreef|skrev|a écrit|escribió|escreveu|ha scritto|napisał\(?a?\)?|kirjoitti|пишет"
    r"|написал|のメール|写道)\W{0,3}\s*",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    r"\W{0,3}(?:On|Am|Le|El|Il|Em|Op|Den|W dniu|Dnia|\d{1,4}[./年-]).*|.*\b(?:19|20)\d\d\b.*", re.IGNORECASE
)
_SENT_FROM = re.compile(
    r"(?:Sent (?:from|with|via)|Get Outlook for|Outlook for|Von mein\w+ .{1,40} gesendet|Gesendet (?:von|mit|über|aus)"
    r"|Envoyé (?:de|depuis|avec)|Enviado (?:desde|do|de)|Inviato da|Verzonden (?:vanaf|met)|Skickat från|Sendt fra)"
    r"\b.{0,80}",
    re.IGNORECASE,
)
_COLONS = (":", "\uff1a")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u2060\ufeff\u00ad"))
_LOOK_BACK = 3  # lines that a program breaks "On …, … wrote:" into
_LOOK_ON = 6  # lines in which a block of headers has said that it is one
_MOST_LINES = 20_000
_LONGEST_MARK = 400  # characters; a longer line is somebody's paragraph


def own_words(text: str, address: str) -> str:
    """What stands above the quoted mail and the signature. `address`: ours, from which that mail came."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").translate(_INVISIBLE)
    lines = [line.rstrip() for line in whole.split("\n")[:_MOST_LINES]]
    ours = _ours(address)
    kept = lines[: next((cut for at in range(len(lines)) if (cut := _cut(lines, at, ours)) is not None), len(lines))]
    return "\n".join(_without_sent_from(kept)).strip("\n").rstrip()


def _ours(address: str) -> re.Pattern[str]:
    local, _, domain = address.partition("@")
    spelled = rf"{re.escape(local)}(?:\+[a-z0-9]*)?@{re.escape(domain)}"
    return re.compile(rf"[<\[](?:mailto:)?{spelled}", re.IGNORECASE)


def _cut(lines: list[str], at: int, ours: re.Pattern[str]) -> int | None:
    """Where the person's words end, if this line is the first of something else."""
    line = lines[at]
    if line == _SIGNATURE:
        return at
    if line.lstrip().startswith(">"):
        return _attribution(lines, at)
    if len(line) > _LONGEST_MARK:
        return None
    if ours.search(line) and (_HEADER.fullmatch(line) or _introduces(lines, at)):
        return _first_of(lines, at)
    if _RULER.fullmatch(line) and _is_followed(lines, at):
        return at
    if _FROM.fullmatch(line) and any(_SENT.fullmatch(each) for each in lines[at + 1 : at + _LOOK_ON]):
        return at
    if _WROTE.fullmatch(line) and any(_BEGINS.fullmatch(each) for each in lines[max(0, at - _LOOK_BACK) : at + 1]):
        return _first_of(lines, at)
    return None


def _introduces(lines: list[str], at: int) -> bool:
    """Whether a line with our address says that a mail of ours follows: a colon ends it, or the line behind it."""
    return any(line.endswith(_COLONS) for line in lines[at : at + 2]) or any(
        each.lstrip().startswith(">") for each in lines[at + 1 : at + _LOOK_BACK]
    )


def _is_followed(lines: list[str], at: int) -> bool:
    """A person may draw a line, too; a program has headers below it, or words in it and something below."""
    behind = [each for each in lines[at + 1 : at + _LOOK_ON] if each]
    if re.search(r"\w", lines[at].strip("_")):
        return True
    return any(_FROM.fullmatch(each) for each in behind[:2])


def _attribution(lines: list[str], at: int) -> int:
    """The line that says whose words follow stands right above them, or a blank line before."""
    above = at - 1
    while above >= 0 and not lines[above]:
        above -= 1
    if above >= 0 and at - above <= 2 and lines[above].endswith(_COLONS):
        return _first_of(lines, above)
    return at


def _first_of(lines: list[str], at: int) -> int:
    """The first line of "On …, … wrote:", which ends here and may be broken."""
    for first in range(at, max(-1, at - _LOOK_BACK), -1):
        if not lines[first]:
            break
        if _BEGINS.fullmatch(lines[first]):
            return first
    return at


def _without_sent_from(lines: list[str]) -> list[str]:
    """A phone's signature is no sentence of anybody."""
    kept = lines
    while kept and (not kept[-1] or _SENT_FROM.fullmatch(kept[-1].strip(" <>*_"))):
        kept = kept[:-1]
    return kept
