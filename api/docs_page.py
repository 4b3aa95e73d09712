"""The API's documentation as one page of HTML that loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1d2733; background: #fff }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; text-transform: capitalize }
details { border: 1px solid #d5dce4; border-radius: 6px; margin: .5rem 0; padding: 0 1rem }
summary { cursor: pointer; padding: .6rem 0 } code, pre { font: 13px/1.45 ui-monospace, monospace }
pre { background: #f4f6f8; padding: .8rem; border-radius: 6px; overflow-x: auto }
.method { display: inline-block; width: 4.5rem; font-weight: 700 } .lock { color: #8a5a00 }
.POST { color: #0a6b3d } .GET { color: #0b5394 }
.DELETE { color: #a61b1b } .PATCH { color: #7a4b00 }
@media (prefers-color-scheme: dark) { body { background: #14181d; color: #dbe2ea }
  pre { background: #1f262e } details { border-color: #37424e } }
"""


def install_docs(app: FastAPI) -> None:
    """Serve ``/docs``."""

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        page = getattr(request.app.state, "docs_page", None)
        if page is None:
            page = request.app.state.docs_page = render(request.app.openapi())
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


def render(document: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} API</h1><p>{escape(info.get('summary', ''))}</p>"
        '<p>For tools and client generators: <a href="/openapi.json">openapi.json</a>.</p>'
        f"{''.join(_sections(document))}</body></html>"
    )


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["other"])[-1]
            by_tag.setdefault(tag, []).append(_operation(method.upper(), path, operation))
    for tag, operations in by_tag.items():
        yield f"<h2>{escape(tag)}</h2>{''.join(operations)}"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    lock = ' <span class="lock">needs an access token</span>' if "security" in operation else ""
    head = (
        f'<details id="{escape(operation["operationId"])}"><summary>'
        f'<span class="method {method}">{method}</span> <code>{escape(path)}</code>{lock}'
        f"</summary><p>{escape(operation.get('description', ''))}</p>"
    )
    parts = [head]
    parameters = operation.get("parameters", [])
    if parameters:
        parts.append(f"<ul>{''.join(_parameter(parameter) for parameter in parameters)}</ul>")
    parts += _examples("Request", operation.get("requestBody") or {})
    for status, response in operation["responses"].items():
        parts += _examples(f"{status} {response['description']}", response)
    return "".join(parts) + "</details>"


def _parameter(parameter: Mapping[str, Any]) -> str:
    required = ", required" if parameter.get("required") else ""
    words = escape(parameter.get("description", ""))
    return (
        f"<li><code>{escape(parameter['name'])}</code> ({parameter['in']}{required}) {words}</li>"
    )


def _examples(title: str, body: Mapping[str, Any]) -> Iterator[str]:
    content: Mapping[str, Any] = body.get("content", {})
    if title != "Request" and not content:
        yield f"<h4>{escape(title)}</h4>"
    for media_type, media in content.items():
        yield f"<h4>{escape(title)} <code>{escape(media_type)}</code></h4>"
        shown = [media["example"]] if "example" in media else []
        shown += [example["value"] for example in media.get("examples", {}).values()]
        for value in shown:
            text = (
                value
                if isinstance(value, str)
                else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
            )
            yield f"<pre>{escape(text)}</pre>"
