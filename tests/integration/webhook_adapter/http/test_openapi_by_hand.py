"""The generated description against the one that was written by hand before it: callers' clients are made of either."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

BY_HAND = json.loads(Path(__file__).with_name("openapi_by_hand.json").read_text())
# Limits that were always kept and are told only now.
BODY = BY_HAND["paths"]["/commands"]["post"]["requestBody"]["content"]["application/json"]["schema"]
BODY["properties"]["ttlSeconds"]["maximum"] = 366 * 24 * 3600
KEYBOARD = BY_HAND["components"]["schemas"]["InlineKeyboard"]["properties"]["inline_keyboard"]
for FIELD in KEYBOARD["items"]["items"]["properties"].values():
    FIELD["minLength"] = 1
OPERATIONS = [(path, method) for path, item in BY_HAND["paths"].items() for method in item]


def shape(document: Any, schema: Any) -> Any:
    """What a schema allows, in one spelling: references followed, unions as sets, words for people left out."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if parts := schema.get("allOf"):
        shapes = [shape(document, part) for part in parts]
        return ["object", {k: v for one in shapes for k, v in one[1].items()}, {k for one in shapes for k in one[2]}]
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return sorted((shape(document, {**one}) for one in several), key=str)
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return sorted((shape(document, {**schema, "type": kind}) for kind in kinds), key=str)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return set(schema["enum"]) - {"UNKNOWN"}
    if kinds == "object":
        fields = {name: shape(document, field) for name, field in schema.get("properties", {}).items()}
        return ["object", fields, set(schema.get("required", []))]
    if kinds == "array":
        return ["array", shape(document, schema["items"])]
    if kinds == "null":
        return kinds
    limits = {name: schema[name] for name in ("minLength", "maxLength", "minimum", "maximum") if name in schema}
    return [kinds, limits] if limits else kinds


def operation(document: Any, path: str, method: str) -> Any:
    told = document["paths"][path][method]
    taken = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        **{name: told[name] for name in ("operationId", "tags", "security")},
        "parameters": {
            (one["name"], one["in"], one.get("required", False), str(shape(document, one["schema"])))
            for one in told.get("parameters", [])
        },
        "body": taken and shape(document, taken["schema"]),
        "answers": {status: answer(document, said) for status, said in told["responses"].items()},
    }


def answer(document: Any, said: Any) -> Any:
    if "$ref" in said:
        said = document["components"]["responses"][said["$ref"].rpartition("/")[2]]
    retry = "Retry-After" in said.get("headers", {})
    return retry, {media: shape(document, content["schema"]) for media, content in said.get("content", {}).items()}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_is_described_as_before(http: FlaskClient, path: str, method: str) -> None:
    generated = http.get("/openapi.json").get_json()

    assert operation(generated, path, method) == operation(BY_HAND, path, method)


def test_secrets_go_the_same_way(http: FlaskClient) -> None:
    generated = http.get("/openapi.json").get_json()

    assert generated["components"]["securitySchemes"] == BY_HAND["components"]["securitySchemes"]
    assert set(generated["paths"]) == set(BY_HAND["paths"])
