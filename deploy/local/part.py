from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from signal import SIGKILL, SIGTERM, Signals

Probe = Callable[[], Awaitable[bool]]
"""True once the part can serve. ``OSError`` and ``TimeoutError`` count as not yet."""

Preparation = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class SystemUser:
    """The account a part runs as, when the supervisor is root and the part refuses to be."""

    name: str
    uid: int
    gid: int


async def _at_once() -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Part:
    """One child process of the stack, and everything the supervisor must know to keep it.

    ``prepare`` runs before every start and must be harmless when there is nothing to prepare.
    A ``one_shot`` part is ready when it has ended with exit code 0, and is not restarted.
    An exit during the start whose log contains one of ``try_again_on`` is tried again until
    ``ready_seconds`` have passed. ``orphan_signal`` is what the kernel sends (Linux) when the
    supervisor itself is killed.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    user: SystemUser | None = None
    prepare: Preparation | None = None
    ready: Probe = _at_once
    ready_seconds: float = 60.0
    stop_signal: Signals = SIGTERM
    orphan_signal: Signals = SIGKILL
    grace_seconds: float = 10.0
    depends_on: tuple[str, ...] = ()
    one_shot: bool = False
    try_again_on: tuple[str, ...] = ()


class PartPhase(StrEnum):
    STARTING = "starting"
    READY = "ready"
    DIED = "died"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class PartEvent:
    """A part entered ``phase``; ``seconds`` is how long the start took, when it is ``READY``."""

    part: str
    phase: PartPhase
    detail: str = ""
    seconds: float = 0.0


Announce = Callable[[PartEvent], None]
