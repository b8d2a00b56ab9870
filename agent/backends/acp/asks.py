"""What programs that speak ACP ask while they run, as values: permissions and forms. Pure."""

from collections.abc import Iterator

from agent.backends.acp.shapes import Json, parts, text
from agent.backends.acp.shapes import part as one_part
from agent.backends.acp.updates import diffs, shown
from agent.domain.acp_question import MAX_FIELDS, Field, Form, Permission, Way

MAX_WAYS = 20
MAX_CHOICES = 50
_MAX_LINE = 1000  # characters
_PATH = "path"


def permission(params: Json, call: Json) -> Permission:
    """What session/request_permission asks; `call` is all that is known of the tool."""
    ways = tuple(
        Way(text(one, "optionId"), text(one, "name", _MAX_LINE) or text(one, "kind", _MAX_LINE), text(one, "kind"))
        for one in parts(params, "options")[:MAX_WAYS]
        if text(one, "optionId")
    )
    given = {name: call.get(name) for name in ("kind", "title", "rawInput", "content") if call.get(name)}
    tool = text(call, "kind", 100) or "tool"
    return Permission(tool, given, "\n".join(_words(call)), ways, is_plan=tool == "switch_mode")


def _words(call: Json) -> Iterator[str]:
    """All that it means to do. Whatever stands in there is shown: what is not read is not allowed."""
    title, given = text(call, "title"), dict(one_part(call, "rawInput"))
    command = given.pop("command", None)
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        command = " ".join(command)
    yield _fenced(command) if isinstance(command, str) and command else title
    if isinstance(command, str) and title and title != command:
        yield title
    if changed := diffs(call):
        yield _fenced(changed)
    for name, value in given.items():
        if not (changed and name in ("content", "newText", "oldText", "new_string", "old_string")):
            yield _named(str(name), value)
    if words := shown(call):
        yield words
    paths = [path for place in parts(call, "locations") if (path := text(place, _PATH))]
    if paths and not changed:
        yield "in " + ", ".join(paths)


def _named(name: str, value: object) -> str:
    words = (value if isinstance(value, str) else str(value)).encode(errors="replace").decode()
    return f"{name}:\n{_fenced(words)}" if "\n" in words else f"{name}: {words}"


def _fenced(words: str) -> str:
    """In a fixed width, unless the words would end that by themselves."""
    words = words.encode(errors="replace").decode()
    return words if "```" in words else f"```\n{words}\n```"


def form(params: Json) -> Form:
    """What elicitation/create asks."""
    schema = one_part(params, "requestedSchema")
    properties = one_part(schema, "properties")
    fields: list[Field] = []
    for name, value in properties.items():
        owner = name.removesuffix("_custom")
        if owner != name and owner in properties:  # the free words of the field before
            fields = [_with_words(each, owner, name) for each in fields]
            continue
        field = _field(name, value) if isinstance(value, dict) else None
        if field is None or len(fields) >= MAX_FIELDS:
            return Form(text(params, "message"), (), params)
        fields.append(field)
    is_form = params.get("mode", "form") == "form"  # else it is a page to be visited: nobody sends people there
    return Form(text(params, "message"), tuple(fields) if is_form else (), params)


def _with_words(field: Field, owner: str, extra: str) -> Field:
    if field.name != owner:
        return field
    return Field(field.name, field.words, field.choices, other=True, several=field.several, extra=extra)


def _field(name: str, schema: Json) -> Field | None:
    words = "\n".join(filter(None, dict.fromkeys((text(schema, "title"), text(schema, "description"))))) or name
    match schema.get("type"):
        case "string":
            choices = _choices(schema)
            return Field(name, words, choices, other=not choices) if choices is not None else None
        case "boolean":
            return Field(name, words, ((True, "Yes"), (False, "No")))
        case "array":
            items = one_part(schema, "items")
            choices = _choices(items)
            return Field(name, words, choices, several=True) if choices else None
    return None


def _choices(schema: Json) -> tuple[tuple[object, str], ...] | None:
    """The values to choose from and their words; empty where any text will do, None where there are too many."""
    offered: list[tuple[object, str]] = []
    for key in ("oneOf", "anyOf"):
        for one in parts(schema, key):
            title, more = text(one, "title", _MAX_LINE) or text(one, "const", _MAX_LINE), text(one, "description")
            offered.append((one.get("const"), f"{title} - {more}" if more else title))
    values = schema.get("enum")
    if not offered and isinstance(values, list):
        offered = [(value, str(value)) for value in values if isinstance(value, str)]
    return tuple(offered) if len(offered) <= MAX_CHOICES else None
