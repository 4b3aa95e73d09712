"""What ``stack.json`` says: the one page through which the other commands know a stack."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from deploy.local.addresses import Addresses
from deploy.local.data_directory import write_atomically
from deploy.local.errors import StackError
from deploy.local.part import PartEvent, PartPhase
from deploy.local.ports import Ports


class Phase(StrEnum):
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a start failed: a :class:`StackError`, for the process that waits for it."""

    line: str
    hint: str
    log_lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: StackError) -> Problem:
        return cls(line=error.line, hint=error.hint, log_lines=error.log_lines)

    def to_error(self) -> StackError:
        return StackError(self.line, hint=self.hint, log_lines=self.log_lines)


@dataclass(frozen=True, kw_only=True)
class StackState:
    """One stack at one moment. ``pids`` has what runs now; ``parts`` the last word about each."""

    state: Phase
    supervisor_pid: int
    ports: Ports
    addresses: Addresses
    metrics_urls: tuple[str, ...]
    pids: dict[str, int] = field(default_factory=dict)
    parts: dict[str, PartEvent] = field(default_factory=dict)
    demo: dict[str, dict[str, str]] = field(default_factory=dict)
    problem: Problem | None = None

    def after(self, event: PartEvent, pids: dict[str, int]) -> StackState:
        return replace(self, parts=self.parts | {event.part: event}, pids=pids)

    def public(self) -> dict[str, Any]:
        """The answer of ``perdure status --json``."""
        shown = (
            "api_url",
            "temporal_address",
            "temporal_namespace",
            "temporal_ui_url",
            "postgres_url",
            "redis_url",
            "sandbox_url",
        )
        return {
            "state": self.state,
            **{name: getattr(self.addresses, name) for name in shown},
            "metrics_urls": list(self.metrics_urls),
            "pids": self.pids,
            "supervisor_pid": self.supervisor_pid,
            "demo": self.demo,
        }

    def write(self, file: Path) -> None:
        write_atomically(file, json.dumps(asdict(self), indent=2))


def read_state(file: Path) -> StackState | None:
    """The state as last written; None when there is none, or an older release wrote it."""
    try:
        raw = json.loads(file.read_text())
        parts = {
            name: PartEvent(**{**event, "phase": PartPhase(event["phase"])})
            for name, event in raw["parts"].items()
        }
        problem = raw["problem"]
        return StackState(
            **{
                **raw,
                "state": Phase(raw["state"]),
                "ports": Ports(**raw["ports"]),
                "addresses": Addresses(**raw["addresses"]),
                "metrics_urls": tuple(raw["metrics_urls"]),
                "parts": parts,
                "problem": Problem(**{**problem, "log_lines": tuple(problem["log_lines"])})
                if problem
                else None,
            }
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
