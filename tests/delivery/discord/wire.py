"""Discord's API document as an assertion: every request that leaves the bot, and every answer of the fake, is
checked.

The document is ../shared/discord/openapi.json, or the file that DISCORD_OPENAPI names; where there is none, a
small one of our own (`small.py`) for the routes that the bot uses. What the document leaves out is checked
here as well."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.delivery.discord.small import SMALL

FULL = Path(__file__).resolve().parents[3] / ".." / "shared" / "discord" / "openapi.json"
CONTENT = 2000
EMBEDS = 6000
ID = re.compile(r'"[1-9][0-9]{18}"')
FILE_BYTES = 10 * 1024 * 1024
# Fields that discord.py sends and the document does not know.
EXTRA = {"nsfw", "flags", "tts", "dm_permission", "type", "attachments", "thread_name"}


class Wire:
    """One document, ready to check with. Both methods give what is wrong, in words; nothing when all is
    well."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._routes = [(_pattern(path), path) for path in document["paths"]]
        self._strict = _registry(document, strict=True)
        self._lenient = _registry(document, strict=False)
        self._known: dict[str, Draft202012Validator] = {}
        self._right: set[tuple[str, bool, str]] = set()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        files: Mapping[str, int] | None = None,
    ) -> list[str]:
        """What is wrong with a request; `files` holds the sizes of what is attached."""
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path}: no such route"]
        said = [*_queries(operation, query or {}), *_left_out(path, body, files or {})]
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            said += self._wrong(f"{method} {path}", content["application/json"]["schema"], body, strict=True)
        elif body is not None:
            said.append("has a body, and the route takes none")
        return [f"{method} {path}: {one}" for one in said]

    def answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer to a request."""
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path}: no such route"]
        replies = operation["responses"]
        reply = replies.get(str(status)) or (replies.get("4XX") if 400 <= status < 500 else None)
        if reply is None:
            return [] if status >= 500 else [f"{method} {path}: {status} is no answer of this route"]
        while "$ref" in reply:
            reply = _at(self._document, reply["$ref"])
        content = reply.get("content", {}).get("application/json")
        if content is None:
            return [f"{method} {path}: {status} has no body"] if body is not None else []
        wrong = self._wrong(f"{status} {method} {path}", content["schema"], body, strict=False)
        return [f"{method} {path} → {status}: {one}" for one in wrong]

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        fitting = [template for pattern, template in self._routes if pattern.fullmatch(path)]
        for template in sorted(fitting, key=lambda template: template.count("{")):
            if found := self._document["paths"][template].get(method.lower()):
                return found
        return None

    def _wrong(self, key: str, schema: Any, body: Any, *, strict: bool) -> list[str]:
        name = re.sub(r"\d{5,}", "0", key)
        seen = name, strict, _shape(body)
        if seen in self._right:
            return []
        if name not in self._known:
            registry = self._strict if strict else self._lenient
            ours = _loosened(_absolute(schema), strict=strict)
            self._known[name] = Draft202012Validator(ours, registry=registry)
        said = [_told(error) for error in self._known[name].iter_errors(body)]
        if not said:
            self._right.add(seen)
        return said


@cache
def own() -> Wire:
    """The small document."""
    return Wire(SMALL)


@cache
def full() -> Wire | None:
    """Discord's own; None where it is not there."""
    path = Path(os.environ.get("DISCORD_OPENAPI", FULL))
    return Wire(json.loads(path.read_text("utf-8"))) if path.is_file() else None


class BothWires:
    """Two documents: what both take is right. So the small one, which decides where there is no other, is never behind
    what the bot sends."""

    def __init__(self, first: Wire, second: Wire) -> None:
        self._first, self._second = first, second

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        files: Mapping[str, int] | None = None,
    ) -> list[str]:
        """What is wrong with a request."""
        said = self._first.request(method, path, body, query=query, files=files)
        return said or self._second.request(method, path, body, query=query, files=files)

    def answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer to a request."""
        return self._first.answer(method, path, status, body) or self._second.answer(
            method, path, status, body
        )


@cache
def best() -> Wire | BothWires:
    """Discord's own document where it is there, and the small one."""
    there = full()
    return own() if there is None else BothWires(there, own())


def _shape(body: Any) -> str:
    """What a body is to a schema: which id stands where it stands does not matter, only which are the same.

    Each test's bot sends the same forty commands, in which new ids come back: to look through them once is a
    third of a second, and the most of what such a test costs."""
    numbers: dict[str, str] = {}
    return ID.sub(lambda found: numbers.setdefault(found[0], f'"id {len(numbers)}"'), json.dumps(body))


def _told(error: Any) -> str:
    deepest = error
    while deepest.context:
        deepest = min(deepest.context, key=lambda one: (-len(one.absolute_path), len(one.message)))
    where = "/".join(str(part) for part in deepest.absolute_path)
    return f"{where or 'body'}: {deepest.message[:300]}"


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template)))


def _queries(operation: Mapping[str, Any], query: Mapping[str, Any]) -> Sequence[str]:
    known = {
        one["name"]: one.get("schema", {})
        for one in operation.get("parameters", [])
        if one.get("in") == "query"
    }
    wrong = [f"unknown query {name!r}" for name in query if name not in known]
    for name, value in query.items():
        schema = known.get(name, {})
        if schema.get("type") == "integer" and not schema.get("minimum", 0) <= int(value) <= schema.get(
            "maximum", 2**63
        ):
            wrong.append(f"query {name}={value} is out of range")
    return wrong


def _left_out(path: str, body: Any, files: Mapping[str, int]) -> Sequence[str]:
    """Limits that the document does not state."""
    wrong = [f"file {name} has {size} bytes" for name, size in files.items() if size > FILE_BYTES]
    message = body.get("data") if isinstance(body, dict) and path.endswith("/callback") else body
    if not isinstance(message, dict):
        return wrong
    if len(message.get("content") or "") > CONTENT:
        wrong.append("content is longer than 2,000 characters")
    if (size := sum(_size(embed) for embed in message.get("embeds") or [])) > EMBEDS:
        wrong.append(f"the embeds hold {size} characters")
    for embed in message.get("embeds") or []:
        picture = (embed.get("image") or {}).get("url", "")
        attached = {one.get("filename") for one in message.get("attachments") or []}
        if picture.startswith("attachment://") and picture.removeprefix("attachment://") not in attached:
            wrong.append(f"{picture} is not attached")
    if "nonce" in message and not message.get("enforce_nonce"):
        wrong.append("a nonce that is not enforced")
    if message.get("allowed_mentions", {}).get("parse"):
        wrong.append("may mention people")
    return wrong


def _size(embed: Mapping[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description"), (embed.get("author") or {}).get("name")]
    texts += [(embed.get("footer") or {}).get("text")]
    texts += [field.get(part) for field in embed.get("fields") or [] for part in ("name", "value")]
    return sum(len(text or "") for text in texts)


def _at(document: Mapping[str, Any], reference: str) -> Any:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _registry(document: Mapping[str, Any], *, strict: bool) -> Registry[Any]:
    schemas = _loosened(_absolute(document["components"]["schemas"]), strict=strict)
    resource = Resource.from_contents({"components": {"schemas": schemas}}, default_specification=DRAFT202012)
    return Registry().with_resource("urn:discord", resource)


def _absolute(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: f"urn:discord{value}" if key == "$ref" and isinstance(value, str) else _absolute(value)
            for key, value in schema.items()
        }
    return [_absolute(one) for one in schema] if isinstance(schema, list) else schema


def _loosened(schema: Any, *, strict: bool) -> Any:
    """Numbers as text and ids as numbers are taken; one of several is any of several; strictly, no unknown
    field is."""
    if isinstance(schema, list):
        return [_loosened(one, strict=strict) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: _loosened(value, strict=strict)
        for key, value in deepcopy(schema).items()
        if key != "discriminator"
    }
    if "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
    if made.get("format") == "snowflake":
        return {"type": ["string", "integer"], "pattern": "^[0-9]+$"}
    if made.get("type") == "integer" and "enum" not in made:
        made |= {"type": ["integer", "string"], "pattern": "^-?[0-9]+$"}
    if strict and isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made["properties"] = {**dict.fromkeys(EXTRA, True), **made["properties"]}
        made.setdefault("additionalProperties", False)
    return made
