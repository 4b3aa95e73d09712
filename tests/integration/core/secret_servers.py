"""Vault and AWS Secrets Manager, as much of them as their official SDKs need to be answered.

The wire formats are those of Vault's HTTP API (KV version 2, AppRole, Kubernetes) and of AWS' JSON
protocol 1.1.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, kw_only=True)
class Told:
    status: int
    body: Json


@dataclass
class Vault:
    """One secret, and who may read it."""

    path: str = "/v1/secret/data/perdure"
    data: Json = field(default_factory=dict)
    token: str = "vault-token-0001"
    credentials: Mapping[str, Json] = field(default_factory=dict)
    """What each login path wants to be told."""
    namespace: str | None = None
    sealed: bool = False

    def __call__(self, asked: Asked) -> Told:
        if self.sealed:
            return Told(status=503, body={"errors": ["Vault is sealed"]})
        if asked.method == "POST":
            return self._log_in(asked)
        allowed = (asked.headers.get("x-vault-token"), asked.headers.get("x-vault-namespace"))
        if allowed != (self.token, self.namespace):
            return Told(status=403, body={"errors": ["permission denied"]})
        if asked.path != self.path:
            return Told(status=404, body={"errors": []})
        metadata = {"version": 1, "deletion_time": "", "destroyed": False}
        return Told(status=200, body={"data": {"data": self.data, "metadata": metadata}})

    def _log_in(self, asked: Asked) -> Told:
        if self.credentials.get(asked.path) != asked.body:
            return Told(status=400, body={"errors": ["invalid role or secret ID"]})
        return Told(status=200, body={"auth": {"client_token": self.token, "renewable": True}})


@dataclass
class SecretsManager:
    """Secrets by their names; the signature has to be there, and is not computed again."""

    secrets: dict[str, str] = field(default_factory=dict)
    denied: bool = False

    def __call__(self, asked: Asked) -> Told:
        signed = asked.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 Credential=")
        if not signed or self.denied:
            return _refused("AccessDeniedException", "not authorized to perform GetSecretValue")
        if asked.headers.get("x-amz-target") != "secretsmanager.GetSecretValue":
            return _refused("InvalidRequestException", "no such operation")
        name = asked.body["SecretId"]
        if name not in self.secrets:
            words = "Secrets Manager can't find the specified secret."
            return _refused("ResourceNotFoundException", words)
        return Told(status=200, body={"Name": name, "SecretString": self.secrets[name]})


def _refused(kind: str, words: str) -> Told:
    return Told(status=400, body={"__type": kind, "Message": words})


@contextmanager
def serving(answer: Callable[[Asked], Told]) -> Iterator[str]:
    """Serve on any free port of this machine; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            told = answer(
                Asked(
                    method=self.command,
                    path=self.path,
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=json.loads(raw) if raw else None,
                )
            )
            content = json.dumps(told.body).encode()
            self.send_response(told.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815  # the names that the base class calls

        def log_message(self, *_arguments: Any) -> None:
            """Nothing is said on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
