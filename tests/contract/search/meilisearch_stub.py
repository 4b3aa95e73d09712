"""A server that knows the shape of every request that Meilisearch documents and we send.

Paths, methods, headers, fields and types are those of its OpenAPI document (1.38). What has another
shape is refused, and remembered in ``faults`` for the test to see. A task is carried out when
somebody first looks at it, and is told to be over at the next look: who does not wait sees nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.contract.search.meilisearch_engine import Index, RefusedError
from tests.contract.search.meilisearch_shapes import (
    DEFAULTS,
    FILTER,
    NUMBER,
    SEARCH,
    SETTINGS,
    STRINGS,
    TEXT,
    check,
    check_names,
)

API_KEY = "stub-admin-key-0123456789"
SEARCH_KEY = "stub-search-key-0123456789"
SEARCH_KEY_UID = "74c9c733-3368-4738-bbe5-1d18a5fecb37"
_UID = re.compile(r"[A-Za-z0-9_-]{1,400}")
_DOCUMENT_ID = re.compile(r"[A-Za-z0-9_-]{1,511}")


@dataclass
class Task:
    uid: int
    type: str
    index_uid: str | None
    deed: Callable[[], None]
    details: Mapping[str, Any] = field(default_factory=dict)
    status: str = "enqueued"
    error: Mapping[str, Any] | None = None
    moved: bool = False

    def told(self) -> dict[str, Any]:
        return {
            "uid": self.uid,
            "indexUid": self.index_uid,
            "status": self.status,
            "type": self.type,
            "details": self.details,
            "error": self.error,
            "canceledBy": None,
            "duration": None,
            "enqueuedAt": _now(),
            "startedAt": None,
            "finishedAt": None,
        }


@dataclass
class Stub:
    """The state of one server; every call of it is made by one thread at a time."""

    indexes: dict[str, Index] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    broken: int | None = None
    """Answer everything with this status."""
    failing: str | None = None
    """Let the next task of this type fail."""

    def answer(
        self, method: str, path: str, query: Mapping[str, str], body: Any, token: str
    ) -> tuple[int, Any]:
        if self.broken:
            return self.broken, _problem("internal", "broken")
        for wanted, pattern, handler in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and wanted == method:
                if path != "/health" and not self._may(token, path, match.groupdict(), body):
                    return 403, _problem("invalid_api_key", "the key may not do this")
                return handler(self, query=query, body=body, **match.groupdict())
        raise RefusedError(404, "not_found", f"no route {method} {path}")

    def index(self, uid: str) -> Index:
        if uid not in self.indexes:
            raise RefusedError(404, "index_not_found")
        return self.indexes[uid]

    def enqueue(
        self, type_: str, uid: str | None, deed: Callable[[], None], **details: Any
    ) -> tuple[int, Any]:
        task = Task(len(self.tasks), type_, uid, deed, details)
        self.tasks.append(task)
        summary = {"taskUid": task.uid, "indexUid": uid, "status": "enqueued", "type": type_}
        return 202, summary | {"enqueuedAt": _now()}

    def look(self, uid: int) -> dict[str, Any]:
        if not 0 <= uid < len(self.tasks):
            raise RefusedError(404, "task_not_found")
        task = self.tasks[uid]
        if task.status == "processing":
            task.status = "failed" if task.error else "succeeded"
        for earlier in self.tasks[: uid + 1]:
            if not earlier.moved:
                self._carry_out(earlier)
        return task.told()

    def _carry_out(self, task: Task) -> None:
        task.moved, task.status = True, "processing"
        if self.failing == task.type:
            self.failing, task.error = None, _problem("internal", "told to fail")
            return
        try:
            task.deed()
        except RefusedError as refusal:
            task.error = _problem(refusal.code, str(refusal))

    def _may(self, token: str, path: str, names: Mapping[str, str], body: Any) -> bool:
        if token == API_KEY:
            return True
        uid = names.get("uid", "")
        rules = _rules_of(token) if path.endswith("/search") else None
        if rules is None or uid not in rules:
            return token == SEARCH_KEY and path.endswith("/search")
        body["filter"] = [*_listed(body.get("filter")), *_listed(rules[uid].get("filter"))]
        return True


def _health(_stub: Stub, *, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    return 200, {"status": "available"}


def _list_indexes(stub: Stub, *, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    check_names(query, {"limit", "offset"})
    told = [_told(one) for one in stub.indexes.values()]
    limit = int(query.get("limit", 20))
    return 200, {"results": told[:limit], "offset": 0, "limit": limit, "total": len(told)}


def _create_index(stub: Stub, *, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    check(body, {"uid": TEXT, "primaryKey": TEXT}, required={"uid"})
    uid = body["uid"]
    if not _UID.fullmatch(uid):
        raise RefusedError(400, "invalid_index_uid")

    def deed() -> None:
        if uid in stub.indexes:
            raise RefusedError(409, "index_already_exists")
        settings = json.loads(json.dumps(DEFAULTS))
        stub.indexes[uid] = Index(uid, body.get("primaryKey"), settings=settings)

    return stub.enqueue("indexCreation", uid, deed)


def _get_index(stub: Stub, *, uid: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    return 200, _told(stub.index(uid))


def _delete_index(stub: Stub, *, uid: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    def deed() -> None:
        stub.index(uid)
        del stub.indexes[uid]

    return stub.enqueue("indexDeletion", uid, deed)


def _stats(stub: Stub, *, uid: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    number = len(stub.index(uid).documents)
    return 200, {"numberOfDocuments": number, "isIndexing": False, "fieldDistribution": {}}


def _get_settings(stub: Stub, *, uid: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    return 200, stub.index(uid).settings


def _update_settings(
    stub: Stub, *, uid: str, query: Mapping[str, str], body: Any
) -> tuple[int, Any]:
    check(body, SETTINGS)
    if not all(
        isinstance(others, list) and all(isinstance(one, str) for one in others)
        for others in body.get("synonyms", {}).values()
    ):
        raise RefusedError(400, "invalid_settings_synonyms")
    return stub.enqueue("settingsUpdate", uid, lambda: stub.index(uid).settings.update(body))


def _add(stub: Stub, *, uid: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    check_names(query, {"primaryKey"})
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise RefusedError(400, "malformed_payload")
    if not all(_DOCUMENT_ID.fullmatch(str(one.get("id", ""))) for one in body):
        raise RefusedError(400, "invalid_document_id")

    def deed() -> None:
        stub.index(uid).documents.update({str(one["id"]): one for one in body})

    return stub.enqueue("documentAdditionOrUpdate", uid, deed, receivedDocuments=len(body))


def _delete(stub: Stub, *, uid: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    check(body, {"filter": FILTER}, required={"filter"})

    def deed() -> None:
        stub.index(uid).delete_where(body["filter"])

    return stub.enqueue("documentDeletion", uid, deed, originalFilter=body["filter"])


def _fetch(stub: Stub, *, uid: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    shape = {"fields": STRINGS, "filter": FILTER, "sort": STRINGS, "ids": STRINGS}
    check(body, {**shape, "limit": NUMBER, "offset": NUMBER})
    return 200, stub.index(uid).fetch(body)


def _search(stub: Stub, *, uid: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    check(body, SEARCH)
    return 200, stub.index(uid).search(body)


def _facet_search(stub: Stub, *, uid: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    check(body, {"facetName": TEXT, "facetQuery": TEXT}, required={"facetName"})
    return 200, stub.index(uid).facet_search(body)


def _swap(stub: Stub, *, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    if not isinstance(body, list):
        raise RefusedError(400, "malformed_payload")
    for pair in body:
        check(pair, {"indexes": STRINGS, "rename": bool}, required={"indexes"})

    def deed() -> None:
        for pair in body:
            one, other = (stub.index(uid) for uid in pair["indexes"])
            stub.indexes |= {one.uid: other, other.uid: one}
            one.uid, other.uid = other.uid, one.uid

    return stub.enqueue("indexSwap", None, deed, swaps=body)


def _get_task(stub: Stub, *, number: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    return 200, stub.look(int(number))


def _list_tasks(stub: Stub, *, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
    check_names(query, {"types", "statuses", "limit", "indexUids", "uids", "from"})
    types, statuses = query.get("types", "").split(","), query.get("statuses", "").split(",")
    found = [
        one.told() for one in reversed(stub.tasks) if one.type in types and one.status in statuses
    ]
    limit = int(query.get("limit", 20))
    told = {"results": found[:limit], "limit": limit, "total": len(found)}
    return 200, told | {"from": None, "next": None}


_ONE = r"/indexes/(?P<uid>[^/]+)"
ROUTES: Sequence[tuple[str, str, Callable[..., tuple[int, Any]]]] = (
    ("GET", "/health", _health),
    ("GET", "/indexes", _list_indexes),
    ("POST", "/indexes", _create_index),
    ("GET", _ONE, _get_index),
    ("DELETE", _ONE, _delete_index),
    ("GET", f"{_ONE}/stats", _stats),
    ("GET", f"{_ONE}/settings", _get_settings),
    ("PATCH", f"{_ONE}/settings", _update_settings),
    ("POST", f"{_ONE}/documents", _add),
    ("POST", f"{_ONE}/documents/delete", _delete),
    ("POST", f"{_ONE}/documents/fetch", _fetch),
    ("POST", f"{_ONE}/search", _search),
    ("POST", f"{_ONE}/facet-search", _facet_search),
    ("POST", "/swap-indexes", _swap),
    ("GET", "/tasks", _list_tasks),
    ("GET", r"/tasks/(?P<number>\d+)", _get_task),
)


def _told(index: Index) -> dict[str, Any]:
    moment = _now()
    about = {"uid": index.uid, "primaryKey": index.primary_key}
    return about | {"createdAt": moment, "updatedAt": moment}


def _problem(code: str, message: str) -> dict[str, Any]:
    return {"message": message, "code": code, "type": "invalid_request", "link": ""}


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _listed(expression: Any) -> list[str]:
    if expression is None:
        return []
    return [expression] if isinstance(expression, str) else list(expression)


def _rules_of(token: str) -> Mapping[str, Any] | None:
    """The rules of a tenant token that the search key has signed; None for any other word."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    signed = ".".join(parts[:2]).encode()
    expected = hmac.new(SEARCH_KEY.encode(), signed, hashlib.sha256).digest()
    payload = json.loads(_unpacked(parts[1]))
    if not hmac.compare_digest(expected, _unpacked(parts[2])):
        return None
    fresh = payload["exp"] > datetime.now(UTC).timestamp()
    rules: Mapping[str, Any] = payload["searchRules"]
    return rules if fresh and payload["apiKeyUid"] == SEARCH_KEY_UID else None


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@contextmanager
def serving(stub: Stub) -> Iterator[str]:
    """Serve a stub on loopback; gives its address."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            with lock:
                try:
                    body = self._body(raw)
                    token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                    status, told = stub.answer(self.command, parts.path, query, body, token)
                except RefusedError as refusal:
                    status, told = refusal.status, _problem(refusal.code, str(refusal))
                    if refusal.code != "index_not_found":
                        stub.faults.append(f"{self.command} {self.path}: {refusal}")
            packed = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(packed)))
            self.end_headers()
            self.wfile.write(packed)

        def _body(self, raw: bytes) -> Any:
            if not raw or raw == b"null":
                return None
            if self.headers.get("Content-Type") != "application/json":
                raise RefusedError(415, "invalid_content_type")
            return json.loads(raw)

        do_GET = do_POST = do_PATCH = do_DELETE = _respond  # noqa: N815  # the library's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
