"""Health and webhooks."""

from __future__ import annotations

from typing import Literal

from api.schemas.base import Schema, example


class Alive(Schema):
    model_config = example({"status": "ok"})

    status: Literal["ok"]


class Check(Schema):
    status: Literal["up", "down"]
    latency_ms: float
    required: bool


class Readiness(Schema):
    model_config = example(
        {
            "status": "ready",
            "checks": {"postgresql": {"status": "up", "latency_ms": 0.8, "required": True}},
        }
    )

    status: Literal["ready", "not_ready"]
    checks: dict[str, Check]


class Received(Schema):
    model_config = example({"received": True})

    received: Literal[True]
