"""What Telegram makes of a text: the three markups, the clean-up, and entities in UTF-16 units.

Written after TDLib's `MessageEntity.cpp` and `misc.cpp`; positions inside are code points, entities on the wire UTF-16.
"""

from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any

HTML_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
NAMED_REFERENCES = ("lt", "gt", "amp", "quot")
V2_RESERVED = "_*[]()~`>#+-=|{}.!"
V2_MARKS = {"__": "underline", "||": "spoiler", "*": "bold", "_": "italic", "~": "strikethrough"}


class CannotParse(Exception):
    """The markup is broken; the words are Telegram's."""


@dataclass(frozen=True, slots=True)
class Span:
    """An entity over [start, end) in code points."""

    kind: str
    start: int
    end: int
    extra: dict[str, str] = field(default_factory=dict)


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def parse(text: str, parse_mode: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the text without markup, cleaned and trimmed, and its entities; CannotParse on broken markup."""
    parsers = {"": _plain, "html": parse_html, "markdown": parse_markdown, "markdownv2": parse_markdown_v2}
    parser = parsers.get(parse_mode.lower())
    if parser is None:
        raise CannotParse("unsupported parse_mode")
    plain, spans = parser(text)
    plain, spans = _clean(plain, spans)
    return plain, _entities(plain, spans)


def clean(text: str) -> str:
    """Return what Telegram keeps of a plain text."""
    return _clean(text, [])[0]


def _plain(text: str) -> tuple[str, list[Span]]:
    return text, []


def _clean(text: str, spans: list[Span]) -> tuple[str, list[Span]]:
    kept: list[str] = []
    position = [0]
    for character in text:
        kept.extend(_cleaned(character))
        position.append(len(kept))
    cleaned = "".join(kept)
    trimmed = cleaned.strip(" \n")
    lead = len(cleaned) - len(cleaned.lstrip(" \n"))
    bound = len(trimmed)
    moved = [
        replace(s, start=min(max(position[s.start] - lead, 0), bound), end=min(max(position[s.end] - lead, 0), bound))
        for s in spans
    ]
    return trimmed, [span for span in moved if span.end > span.start]


def _cleaned(character: str) -> str:
    code = ord(character)
    if character == "\r" or 0x2028 <= code <= 0x202E or code in (0x333, 0x33F, 0x30A):
        return ""
    return " " if code < 0x20 and character != "\n" else character


def _entities(text: str, spans: list[Span]) -> list[dict[str, Any]]:
    return [
        {
            "type": span.kind,
            "offset": utf16_length(text[: span.start]),
            "length": utf16_length(text[span.start : span.end]),
            **span.extra,
        }
        for span in sorted(spans, key=lambda span: (span.start, -span.end))
    ]


def _offset(text: str, index: int) -> int:
    return len(text[:index].encode())


# --- HTML -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _OpenTag:
    name: str
    start: int
    at: int
    attributes: dict[str, str]


def parse_html(text: str) -> tuple[str, list[Span]]:
    out: list[str] = []
    spans: list[Span] = []
    stack: list[_OpenTag] = []
    index = 0
    while index < len(text):
        if text[index] == "&":
            character, index = _reference(text, index)
            out.append(character)
        elif text[index] != "<":
            out.append(text[index])
            index += 1
        elif text.startswith("</", index):
            index = _end_tag(text, index, out, stack, spans)
        else:
            tag, index = _start_tag(text, index, len(out))
            stack.append(tag)
    if stack:
        raise CannotParse(f'Can\'t find end tag corresponding to start tag "{stack[-1].name}"')
    return "".join(out), spans


def _reference(text: str, index: int) -> tuple[str, int]:
    end = index + 1
    if text.startswith("#", end):
        end += 1
    while end < len(text) and text[end].isascii() and text[end].isalnum():
        end += 1
    body = text[index + 1 : end]
    if body not in NAMED_REFERENCES and not _numeric(body):
        return "&", index + 1
    return unescape(f"&{body};"), end + 1 if text.startswith(";", end) else end


def _numeric(body: str) -> bool:
    digits = body[2:] if body[:2] == "#x" else body[1:]
    base = 16 if body[:2] == "#x" else 10
    try:
        return body.startswith("#") and 0 < int(digits, base) < 0x10FFFF
    except ValueError:
        return False


def _start_tag(text: str, begin: int, start: int) -> tuple[_OpenTag, int]:
    at = _offset(text, begin)
    index = begin + 1
    while index < len(text) and not text[index].isspace() and text[index] != ">":
        index += 1
    name = text[begin + 1 : index].lower()
    if index >= len(text):
        raise CannotParse(f"Unclosed start tag at byte offset {at}")
    if name not in HTML_TAGS:
        raise CannotParse(f'Unsupported start tag "{name}" at byte offset {at}')
    attributes, index = _attributes(text, index, at)
    if name == "span" and attributes.get("class") != "tg-spoiler":
        raise CannotParse(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
    return _OpenTag(name, start, at, attributes), index


def _attributes(text: str, index: int, at: int) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    while True:
        while index < len(text) and text[index].isspace():
            index += 1
        if index >= len(text):
            raise CannotParse(f"Unclosed start tag at byte offset {at}")
        if text[index] == ">":
            return found, index + 1
        end = index
        while end < len(text) and not text[end].isspace() and text[end] not in "=>":
            end += 1
        name, index = text[index:end].lower(), end
        if text.startswith("=", index):
            found[name], index = _attribute_value(text, index + 1, at)
        else:
            found[name] = ""


def _attribute_value(text: str, index: int, at: int) -> tuple[str, int]:
    quote = text[index : index + 1]
    if quote not in ("'", '"') or not quote:
        end = index
        while end < len(text) and (text[end].isalnum() or text[end] in ".-"):
            end += 1
        return text[index:end], end
    end = text.find(quote, index + 1)
    if end < 0:
        raise CannotParse(f"Unclosed start tag at byte offset {at}")
    return unescape(text[index + 1 : end]), end + 1


def _end_tag(text: str, begin: int, out: list[str], stack: list[_OpenTag], spans: list[Span]) -> int:
    at = _offset(text, begin)
    if not stack:
        raise CannotParse(f"Unexpected end tag at byte offset {at}")
    close = text.find(">", begin)
    if close < 0:
        raise CannotParse(f"Unclosed end tag at byte offset {at}")
    tag, name = stack.pop(), text[begin + 2 : close].strip().lower()
    if name and name != tag.name:
        raise CannotParse(f'Unmatched end tag at byte offset {at}, expected "</{tag.name}>", found "</{name}>"')
    extra = {}
    if tag.name == "a":
        extra = {"url": tag.attributes.get("href") or "".join(out[tag.start :])}
    elif tag.name == "code" and tag.attributes.get("class", "").startswith("language-"):
        extra = {"language": tag.attributes["class"].removeprefix("language-")}
    spans.append(Span(HTML_TAGS[tag.name], tag.start, len(out), extra))
    return close + 1


# --- Markdown ---------------------------------------------------------------------------------------------------------


def parse_markdown(text: str) -> tuple[str, list[Span]]:
    out: list[str] = []
    spans: list[Span] = []
    index = 0
    while index < len(text):
        character = text[index]
        if character == "\\" and text[index + 1 : index + 2] in tuple("_*`["):
            out.append(text[index + 1])
            index += 2
        elif character not in "_*`[":
            out.append(character)
            index += 1
        else:
            index = _markdown_entity(text, index, out, spans)
    return "".join(out), spans


def _markdown_entity(text: str, begin: int, out: list[str], spans: list[Span]) -> int:
    mark = "```" if text.startswith("```", begin) else text[begin]
    closing = "]" if mark == "[" else mark
    end = text.find(closing, begin + len(mark))
    if end < 0:
        raise CannotParse(f"Can't find end of the entity starting at byte offset {_offset(text, begin)}")
    start = len(out)
    out.extend(text[begin + len(mark) : end])
    kind = {"_": "italic", "*": "bold", "`": "code", "```": "pre", "[": "text_link"}[mark]
    extra, after = ({}, end + len(closing))
    if mark == "[":
        url, after = _link_target(text, after)
        extra = {"url": url}
    if len(out) > start and (mark != "[" or extra["url"]):
        spans.append(Span(kind, start, len(out), extra))
    return after


def _link_target(text: str, index: int) -> tuple[str, int]:
    close = text.find(")", index)
    if not text.startswith("(", index) or close < 0:
        return "", index
    return text[index + 1 : close], close + 1


def parse_markdown_v2(text: str) -> tuple[str, list[Span]]:
    out: list[str] = []
    spans: list[Span] = []
    stack: list[tuple[str, int, int]] = []
    index = 0
    while index < len(text):
        index = _v2_step(text, index, out, spans, stack)
    if stack:
        mark, _, at = stack[-1]
        kind = "text_link" if mark == "[" else V2_MARKS[mark]
        raise CannotParse(f"Can't find end of {kind.capitalize()} entity at byte offset {at}")
    return "".join(out), spans


def _v2_step(text: str, index: int, out: list[str], spans: list[Span], stack: list[tuple[str, int, int]]) -> int:
    character = text[index]
    if character == "\\" and index + 1 < len(text) and 0 < ord(text[index + 1]) < 127:
        out.append(text[index + 1])
        return index + 2
    if character == "`":
        return _markdown_entity(text, index, out, spans)
    if character == "]" and stack and stack[-1][0] == "[":
        url, after = _link_target(text, index + 1)
        spans.append(Span("text_link", stack.pop()[1], len(out), {"url": url}))
        return after
    mark = text[index : index + 2] if text[index : index + 2] in V2_MARKS else character
    if mark in V2_MARKS or mark == "[":
        if stack and stack[-1][0] == mark:
            spans.append(Span(V2_MARKS[mark], stack.pop()[1], len(out)))
        else:
            stack.append((mark, len(out), _offset(text, index)))
        return index + len(mark)
    if character == ">" and (not out or out[-1] == "\n"):
        return index + 1
    if character in V2_RESERVED:
        raise CannotParse(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
    out.append(character)
    return index + 1
