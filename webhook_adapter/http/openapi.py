"""The OpenAPI document: made of the routes, of what their views were described as, and of the kinds they name."""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard, TypeVar, get_args

import msgspec
from flask import Flask

from webhook_adapter.endpoints import Answer, Body, Endpoint, Json, Query, endpoint_of
from webhook_adapter.http.bodies import Error

Kind = TypeVar("Kind")

_HEAD = {
    "openapi": "3.1.0",  # the first whose schemas are JSON Schema, as msgspec writes them
    "info": {
        "title": "Pointsman adapter",
        "version": "1",
        "description": "REST for sessions, notifications and commands, and the webhooks of chat platforms. Every answer"
        " carries X-Request-ID; a sane one that comes in is kept. Bodies may have 1 MiB.",
        "license": {"name": "MIT", "identifier": "MIT"},
    },
    "servers": [{"url": "/"}],
}
# One meaning for each status, whatever the endpoint: callers may act on the status alone.
_REFUSALS = {
    400: "A field is missing or malformed; the text names it.",
    401: "No key or secret, or a wrong one.",
    403: "The key's role may not do this.",
    404: "No such thing; code SESSION_UNKNOWN or SESSION_ENDED for sessions.",
    409: "The idempotency key was used with another body, or the session belongs to another machine.",
    413: "Over 1 MiB, or a field over its limit.",
    429: "Too many commands wait, or too many calls or wrong keys came; the text says which.",
    503: "Nothing was stored. Try again.",
}
_COME_AGAIN = {429, 503}
_HEADERS = {
    "RequestId": {"description": "Names this request in the log.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds.", "schema": {"type": "integer"}},
}
_NAMED = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}


@functools.lru_cache(maxsize=1)  # a worker has one application; made when first asked for, so that no start waits
def document(app: Flask) -> Json:
    """What /openapi.json answers. It holds no secret: of a route it has the pattern, not what fits it."""
    described = [
        (_path(rule.rule), method.lower(), view, endpoint)
        for rule in app.url_map.iter_rules()
        if (endpoint := endpoint_of(view := app.view_functions[rule.endpoint])) is not None
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}  # which Flask adds by itself
    ]
    endpoints = [endpoint for *_, endpoint in described]
    schemas, components = _schemas(endpoints)
    paths: dict[str, Json] = {}
    for path, method, view, endpoint in described:
        paths.setdefault(path, {})[method] = _operation(path, view, endpoint, schemas)
    return _HEAD | {
        "tags": [{"name": tag} for tag in dict.fromkeys(endpoint.tag for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "securitySchemes": _schemes(endpoints),
            "headers": _HEADERS,
            "responses": {str(status): _refusal(status, schemas[Error]) for status in _REFUSALS},
            "schemas": components,
        },
    }


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[Mapping[Any, Json], Json]:
    """The schema of each kind that the endpoints name, and the components that these refer to."""
    taken = [one.takes for one in endpoints if _is_kind(one.takes, Body)]
    kinds = [Error, *taken, *(kind for one in endpoints for kind in one.answers.values())]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    for kind in kinds:
        if _is_kind(kind, Answer):
            # To msgspec a field with a default may be absent. It reads; we write, and leave out what is unset alone.
            components[kind.__name__]["required"] = [
                field.encode_name for field in msgspec.structs.fields(kind) if field.default is not msgspec.UNSET
            ]
    return dict(zip(kinds, schemas, strict=True)), components


def _schemes(endpoints: Iterable[Endpoint]) -> Json:
    named = {name: header for one in endpoints for scheme in one.security for name, header in scheme.items()}
    return {
        name: {"type": "http", "scheme": name}  # OpenAPI: a header `Authorization` is no apiKey
        if header == "Authorization"
        else {"type": "apiKey", "in": "header", "name": header}
        for name, header in named.items()
    }


def _operation(path: str, view: Callable[..., Any], endpoint: Endpoint, schemas: Mapping[Any, Json]) -> Json:
    summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
    refusals = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(endpoint.refuses)}
    told = {
        "tags": [endpoint.tag],
        "operationId": _camel(view.__name__),  # generated clients name their methods by it: a view keeps its name
        "summary": summary.removesuffix("."),
        "description": description,
        "security": [{name: [] for name in scheme} for scheme in endpoint.security],
        "parameters": _parameters(path, endpoint),
        "responses": _answers(endpoint, schemas) | refusals,
    }
    schema = schemas[endpoint.takes] if _is_kind(endpoint.takes, Body) else endpoint.takes
    if isinstance(schema, dict):
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return told


def _parameters(path: str, endpoint: Endpoint) -> list[Json]:
    text = {"type": "string"}
    named = [{"name": name, "in": "path", "required": True, "schema": text} for name in re.findall(r"{(\w+)}", path)]
    if _is_kind(endpoint.takes, Query):
        [asked] = msgspec.json.schema(endpoint.takes)["$defs"].values()
        named += [{"name": name, "in": "query", "schema": schema} for name, schema in asked["properties"].items()]
    return named


def _answers(endpoint: Endpoint, schemas: Mapping[Any, Json]) -> Json:
    if not endpoint.answers:
        content = {media: {"schema": schema} for media, schema in endpoint.content.items()}
        return {"200": _answer("As asked.", content)}
    return {
        str(status.value): _answer(_meaning(kind), {"application/json": {"schema": schemas[kind]}})
        for status, kind in endpoint.answers.items()
    }


def _meaning(kind: object) -> str:
    """The docstring of a kind, or of what a list holds."""
    return inspect.getdoc(next(iter(get_args(kind)), kind)) or ""


def _answer(description: str, content: Json) -> Json:
    return {"description": description, "headers": _NAMED} | ({"content": content} if content else {})


def _refusal(status: int, error: Json) -> Json:
    later = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}} if status in _COME_AGAIN else {}
    return _answer(_REFUSALS[status], {"application/json": {"schema": error}}) | {"headers": _NAMED | later}


def _path(rule: str) -> str:
    return re.sub(r"<(\w+)>", lambda found: f"{{{_camel(found[1])}}}", rule)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _is_kind(kind: object, of: type[Kind]) -> TypeGuard[type[Kind]]:
    return inspect.isclass(kind) and issubclass(kind, of)
