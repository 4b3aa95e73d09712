"""A server that speaks S3's protocol, and believes only what is signed.

moto keeps the files and knows the protocol, but looks at no signature: the gate in front of it
computes each one again, as the documentation of Signature Version 4 says, for links and headers.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

KEY_ID, SECRET, BUCKET, REGION = "AKIAPERDURETEST", "a-secret-of-the-test", "shop", "eu-central-1"
PUBLIC_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/public/*",
        }
    ],
}
_STAMP = "%Y%m%dT%H%M%SZ"
Environ = dict[str, Any]
Answer = Callable[..., Any]


class Gate:
    """Lets through what is signed by the test's key, and reads that the policy allows."""

    def __init__(self, inside: Callable[[Environ, Answer], Iterable[bytes]]) -> None:
        self._inside = inside

    def __call__(self, environ: Environ, answer: Answer) -> Iterable[bytes]:
        refusal = self._refusal(environ)
        if refusal is None:
            return self._inside(environ, answer)
        answer("403 Forbidden", [("Content-Type", "application/xml")])
        return [f"<Error><Code>{refusal}</Code><Message>no</Message></Error>".encode()]

    def _refusal(self, environ: Environ) -> str | None:
        raw = urlsplit(environ["RAW_URI"])
        query = dict(parse_qsl(raw.query, keep_blank_values=True))
        if "X-Amz-Signature" in query:
            return _refusal_of_link(environ, raw.path, query)
        if "HTTP_AUTHORIZATION" in environ:
            return _refusal_of_header(environ, raw.path, query)
        # What is not signed: moto asks the policy of the bucket.
        return None if environ["REQUEST_METHOD"] == "GET" else "AccessDenied"


def _refusal_of_link(environ: Environ, path: str, query: dict[str, str]) -> str | None:
    given = query.pop("X-Amz-Signature")
    signed_at = datetime.strptime(query["X-Amz-Date"], _STAMP).replace(tzinfo=UTC)
    expected = _signature(
        environ,
        path,
        query,
        names=query["X-Amz-SignedHeaders"].split(";"),
        payload="UNSIGNED-PAYLOAD",
        stamp=query["X-Amz-Date"],
    )
    if not hmac.compare_digest(given, expected):
        return "SignatureDoesNotMatch"
    lasts = timedelta(seconds=int(query["X-Amz-Expires"]))
    return "AccessDenied" if datetime.now(UTC) >= signed_at + lasts else None


def _refusal_of_header(environ: Environ, path: str, query: dict[str, str]) -> str | None:
    parts = dict(
        part.strip().split("=", 1)
        for part in environ["HTTP_AUTHORIZATION"].partition(" ")[2].split(",")
    )
    expected = _signature(
        environ,
        path,
        query,
        names=parts["SignedHeaders"].split(";"),
        payload=environ["HTTP_X_AMZ_CONTENT_SHA256"],
        stamp=environ["HTTP_X_AMZ_DATE"],
    )
    return None if hmac.compare_digest(parts["Signature"], expected) else "SignatureDoesNotMatch"


def _signature(
    environ: Environ,
    path: str,
    query: dict[str, str],
    *,
    names: list[str],
    payload: str,
    stamp: str,
) -> str:
    pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in query.items())
    request = "\n".join(
        (
            environ["REQUEST_METHOD"],
            path,
            "&".join("=".join(pair) for pair in pairs),
            "".join(f"{name}:{_header(environ, name)}\n" for name in names),
            ";".join(names),
            payload,
        )
    )
    day = stamp[:8]
    scope = f"{day}/{REGION}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in (day, REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    claim = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    return hmac.digest(key, claim.encode(), "sha256").hex()


def _header(environ: Environ, name: str) -> str:
    own = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
    value = environ.get(own.get(name, "HTTP_" + name.upper().replace("-", "_")), "")
    return " ".join(str(value).split())


@contextmanager
def running_s3() -> Iterator[str]:
    """Give the address of a server with no bucket yet."""
    gate = Gate(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, gate, threaded=True, request_handler=MotoRequestHandler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
