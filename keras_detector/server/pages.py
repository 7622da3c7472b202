"""What people see: the page that takes a picture, and the description of the interface.

Both come whole from this service and load nothing from anywhere else.
"""

import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from fastapi import APIRouter, FastAPI, Response

from keras_detector.images import FORMATS
from keras_detector.labels import HEATMAP_TEXTS, REASON_TEXTS, VERDICT_TEXTS
from keras_detector.server.settings import Settings

_FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def page_paths(app: FastAPI, settings: Settings) -> APIRouter:
    """The pages, which are no part of the interface that they describe.

    Args:
        app: whose interface is described, with all its other paths.
        settings: the limits, and whether there is a token to ask for.
    """
    router = APIRouter(include_in_schema=False)
    told = {
        "token": settings.token is not None,
        "maxUpload": settings.max_upload,
        "formats": FORMATS,
        "verdicts": VERDICT_TEXTS,
        "reasons": REASON_TEXTS,
        "heatmap": HEATMAP_TEXTS,
    }
    page = Template(_read("index.html")).substitute(settings=escape(json.dumps(told)))
    reference = Template(_read("docs.html")).substitute(
        title=escape(f"{app.title} {app.version}"), operations=describe(app.openapi())
    )
    _add(router, "/", page, "text/html")
    _add(router, "/docs", reference, "text/html")
    for name, kind in _FILES.items():
        _add(router, f"/{name}", _read(name), kind)
    return router


def describe(schema: Mapping[str, Any]) -> str:
    """An OpenAPI schema as HTML: a section for each operation, then one for each JSON object.

    Args:
        schema: as FastAPI makes it.
    """
    objects = schema["components"]["schemas"]
    operations = [
        _operation(f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    return "".join(
        operations
        + [_object(name, item, objects) for name, item in objects.items() if "properties" in item]
    )


def _operation(name: str, operation: Mapping[str, Any]) -> str:
    body = operation.get("requestBody")
    needs = "<p>Needs the token.</p>" if operation.get("security") else ""
    takes = f"<p>{escape(body['description'])} {_bodies(body['content'])}</p>" if body else ""
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(answer['description'])}</td>"
        f"<td>{_bodies(answer.get('content', {}))}</td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f"<section><h2><code>{escape(name)}</code></h2><p>{escape(operation['description'])}</p>"
        f"{needs}{takes}<table><thead><tr><th>status</th><th>when</th><th>body</th></tr></thead>"
        f"<tbody>{answers}</tbody></table></section>"
    )


def _bodies(content: Mapping[str, Any]) -> str:
    return ", ".join(f"<code>{escape(kind)}</code>{_link(content[kind])}" for kind in content)


def _link(body: Mapping[str, Any]) -> str:
    schema = body.get("schema", {})
    name = schema.get("items", schema).get("$ref", "").rpartition("/")[2]
    many = "list of " if "items" in schema else ""
    return f' ({many}<a href="#{escape(name)}">{escape(name)}</a>)' if name else ""


def _object(name: str, item: Mapping[str, Any], objects: Mapping[str, Any]) -> str:
    fields = "".join(
        f"<tr><td><code>{escape(field)}</code></td>"
        f"<td>{escape(_values(value, objects))}</td>"
        f"<td>{escape(value.get('description', ''))}</td></tr>"
        for field, value in item["properties"].items()
    )
    return (
        f'<section id="{escape(name)}"><h2>{escape(name)}</h2><p>{escape(item["description"])}</p>'
        "<table><thead><tr><th>field</th><th>value</th><th>meaning</th></tr></thead>"
        f"<tbody>{fields}</tbody></table></section>"
    )


def _values(value: Mapping[str, Any], objects: Mapping[str, Any]) -> str:
    """What a field may hold, in words."""
    if "anyOf" in value:
        return " or ".join(_values(choice, objects) for choice in value["anyOf"])
    if "$ref" in value:
        return _values(objects[value["$ref"].rpartition("/")[2]], objects)
    if "items" in value:
        return f"list of {_values(value['items'], objects)}"
    if "const" in value:
        return str(value["const"])
    return ", ".join(value.get("enum", [])) or str(value["type"])


def _add(router: APIRouter, path: str, content: str, kind: str) -> None:
    async def show() -> Response:
        return Response(content, media_type=kind)

    router.add_api_route(path, show)


def _read(name: str) -> str:
    return (files("keras_detector.server") / "page" / name).read_text(encoding="utf-8")
