"""A small document in the shape of Discord's own, for the routes that the bot uses: what its public reference
says of them."""

from typing import Any

ID: dict[str, Any] = {"type": "string", "pattern": "^[0-9]+$", "format": "snowflake"}
TEXT: dict[str, Any] = {"type": ["string", "null"]}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def listed(of: dict[str, Any], most: int | None = None) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": of} | ({"maxItems": most} if most else {})


def thing(required: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def upto(length: int) -> dict[str, Any]:
    return {"type": ["string", "null"], "maxLength": length}


def route(
    *, takes: Any = None, gives: Any = None, status: str = "200", query: tuple[str, ...] = ()
) -> dict[str, Any]:
    reply = {"content": {"application/json": {"schema": gives}}} if gives else {"description": "nothing"}
    made: dict[str, Any] = {
        "responses": {status: reply, "4XX": {"content": {"application/json": {"schema": ref("Error")}}}},
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in query],
    }
    if takes:
        made["requestBody"] = {"content": {"application/json": {"schema": takes}}}
    return made


SCHEMAS: dict[str, Any] = {
    "Error": thing(("code", "message"), code={"type": "integer"}, message={"type": "string"}),
    "User": thing(
        ("id", "username", "discriminator"),
        id=ID,
        username={"type": "string"},
        discriminator={"type": "string"},
    ),
    "Embed": thing(
        title=upto(256),
        description=upto(4096),
        color={"type": ["integer", "null"], "minimum": 0, "maximum": 0xFFFFFF},
        timestamp=TEXT,
        footer=thing(("text",), text=upto(2048)),
        author=thing(("name",), name=upto(256)),
        image=thing(url=TEXT),
        url=TEXT,
        fields=listed(
            thing(
                ("name", "value"),
                name={"type": "string", "minLength": 1, "maxLength": 256},
                value={"type": "string", "minLength": 1, "maxLength": 1024},
                inline={"type": ["boolean", "null"]},
            ),
            25,
        ),
    ),
    "Row": thing(
        ("components",),
        type={"const": 1},
        id={"type": ["integer", "null"]},
        components=listed({"anyOf": [ref("Button"), ref("Select")]}, 5),
    ),
    "Button": thing(
        ("type", "style"),
        type={"const": 2},
        id={"type": ["integer", "null"]},
        style={"type": "integer"},
        custom_id=upto(100),
        label=upto(80),
        url=upto(512),
        disabled={"type": ["boolean", "null"]},
    ),
    "Select": thing(
        ("type", "custom_id"),
        type={"enum": [3, 5, 6, 7, 8]},
        id={"type": ["integer", "null"]},
        custom_id=upto(100),
        placeholder=upto(150),
        min_values={"type": ["integer", "null"], "minimum": 0, "maximum": 25},
        max_values={"type": ["integer", "null"], "minimum": 1, "maximum": 25},
        options=listed(
            thing(
                ("label", "value"),
                label={"type": "string", "minLength": 1, "maxLength": 100},
                value={"type": "string", "minLength": 1, "maxLength": 100},
                description=upto(100),
                default={"type": ["boolean", "null"]},
            ),
            25,
        ),
        channel_types=listed({"type": "integer"}),
        default_values=listed(thing(("id", "type"), id=ID, type={"enum": ["user", "role", "channel"]}), 25),
        required={"type": ["boolean", "null"]},
        disabled={"type": ["boolean", "null"]},
    ),
    "Text": thing(
        ("type", "custom_id", "style"),
        type={"const": 4},
        id={"type": ["integer", "null"]},
        custom_id=upto(100),
        style={"enum": [1, 2]},
        label=upto(45),
        value=upto(4000),
        placeholder=upto(100),
        min_length={"type": ["integer", "null"], "minimum": 0, "maximum": 4000},
        max_length={"type": ["integer", "null"], "minimum": 1, "maximum": 4000},
        required={"type": ["boolean", "null"]},
    ),
    "Label": thing(
        ("type", "label", "component"),
        type={"const": 18},
        id={"type": ["integer", "null"]},
        label={"type": "string", "minLength": 1, "maxLength": 45},
        description=upto(100),
        component={"anyOf": [ref("Text"), ref("Select")]},
    ),
    "Modal": thing(
        ("custom_id", "title", "components"),
        custom_id={"type": "string", "maxLength": 100},
        title={"type": "string", "minLength": 1, "maxLength": 45},
        components=listed(ref("Label"), 5),
    ),
    "File": thing(("id",), id=ID, filename=upto(1024), description=upto(1024)),
    "Mentions": thing(
        parse=listed({"type": "string"}), users=listed(ID), roles=listed(ID), replied_user={"type": "boolean"}
    ),
    "Message": thing(
        content=upto(2000),
        embeds=listed(ref("Embed"), 10),
        components=listed(ref("Row"), 5),
        attachments=listed(ref("File"), 10),
        allowed_mentions=ref("Mentions"),
        flags={"type": ["integer", "null"]},
        nonce={"type": ["string", "integer", "null"], "maxLength": 25},
        enforce_nonce={"type": ["boolean", "null"]},
        tts={"type": ["boolean", "null"]},
    ),
    "Sent": thing(
        ("id", "channel_id", "author", "content", "embeds", "timestamp"),
        id=ID,
        channel_id=ID,
        author=ref("User"),
        embeds=listed(ref("Embed")),
        content={"type": "string"},
        timestamp={"type": "string"},
    ),
    "Choice": thing(
        ("name", "value"), name=upto(100), value=upto(100), name_localizations={"type": ["object", "null"]}
    ),
    "Option": thing(
        ("type", "name", "description"),
        type={"type": "integer"},
        name=upto(32),
        description=upto(100),
        required={"type": ["boolean", "null"]},
        autocomplete={"type": ["boolean", "null"]},
        choices=listed(ref("Choice"), 25),
        min_length={"type": "integer"},
        max_length={"type": "integer"},
        min_value={"type": "integer"},
        max_value={"type": "integer"},
        channel_types=listed({"type": "integer"}),
        name_localizations={"type": ["object", "null"]},
        description_localizations={"type": ["object", "null"]},
    ),
    "Command": thing(
        ("name", "description"),
        name=upto(32),
        description=upto(100),
        options=listed(ref("Option"), 25),
        contexts={"type": "array", "items": {"enum": [0, 1, 2]}, "minItems": 1},
        integration_types={"type": "array", "items": {"enum": [0, 1]}, "minItems": 1},
        default_member_permissions={"type": ["integer", "string", "null"]},
        name_localizations={"type": ["object", "null"]},
        description_localizations={"type": ["object", "null"]},
    ),
    "Callback": thing(
        ("type",),
        type={"enum": [4, 5, 6, 7, 8, 9]},
        data={
            "anyOf": [
                {"type": "null"},
                ref("Message"),
                thing(choices=listed(ref("Choice"), 25)),
                ref("Modal"),
            ]
        },
    ),
}

ANY: dict[str, Any] = {"type": ["object", "array"]}
SMALL: dict[str, Any] = {
    "components": {"schemas": SCHEMAS},
    "paths": {
        "/users/@me": {"get": route(gives=ref("User"))},
        "/users/@me/channels": {"post": route(takes=thing(recipient_id=ID), gives=ANY)},
        "/oauth2/applications/@me": {
            "get": route(gives=thing(("id", "name"), id=ID, name={"type": "string"}))
        },
        "/gateway/bot": {
            "get": route(gives=thing(("url", "shards"), url={"type": "string"}, shards={"type": "integer"}))
        },
        "/applications/{id}/commands": {
            "put": route(takes=listed(ref("Command"), 130), gives=listed(thing(("id",), id=ID))),
            "get": route(gives=listed(thing(("id",), id=ID)), query=("with_localizations",)),
        },
        "/channels/{id}/messages": {
            "post": route(takes=ref("Message"), gives=ref("Sent")),
            "get": route(gives=listed(ref("Sent")), query=("limit", "before", "after", "around")),
        },
        "/channels/{id}/messages/{id}": {"patch": route(takes=ref("Message"), gives=ref("Sent"))},
        "/channels/{id}/messages/{id}/crosspost": {"post": route(gives=ref("Sent"))},
        "/channels/{id}/messages/{id}/threads": {
            "post": route(
                takes=thing(
                    ("name",),
                    name={"type": "string", "minLength": 1, "maxLength": 100},
                    auto_archive_duration={"enum": [60, 1440, 4320, 10080, None]},
                    rate_limit_per_user={"type": ["integer", "null"], "minimum": 0, "maximum": 21600},
                ),
                gives=thing(("id", "type", "guild_id"), id=ID, type={"type": "integer"}, guild_id=ID),
                status="201",
            )
        },
        "/applications/{id}/guilds/{id}/commands/{id}/permissions": {
            "get": route(
                gives=thing(
                    ("id", "application_id", "guild_id", "permissions"),
                    id=ID,
                    application_id=ID,
                    guild_id=ID,
                    permissions=listed(
                        thing(("id", "type", "permission"), id=ID, permission={"type": "boolean"}), 100
                    ),
                )
            )
        },
        "/interactions/{id}/{token}/callback": {
            "post": route(takes=ref("Callback"), gives=ANY, query=("with_response",))
        },
        "/webhooks/{id}/{token}": {
            "post": route(
                takes=ref("Message"), gives=ref("Sent"), query=("wait", "thread_id", "with_components")
            )
        },
        "/webhooks/{id}/{token}/messages/{id}": {
            "patch": route(takes=ref("Message"), gives=ref("Sent"), query=("with_components", "thread_id")),
            "get": route(gives=ref("Sent")),
            "delete": route(status="204"),
        },
    },
}
