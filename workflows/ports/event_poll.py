"""Looking for events that a provider sent and that never arrived."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class EventPoll:
    """How far to look, in seconds.

    What is younger than ``min_age`` may still be on its way. Each look goes back ``overlap`` behind
    the last one, for what was listed late; the first one ``first_look``. A provider without a list
    of events is asked for the payments of the last ``payments_of`` seconds.
    """

    providers: Sequence[str] = ()
    """Only these, if any are named."""
    min_age: int = 30
    overlap: int = 300
    first_look: int = 3600
    payments_of: int = 3600


@dataclass(frozen=True, kw_only=True)
class PollPlan:
    """The providers that are asked, by name."""

    providers: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class PollProvider:
    provider: str
    poll: EventPoll


@dataclass(frozen=True, kw_only=True)
class Polled:
    """How many events or payments were looked at, and how many of them nobody had told us of.

    ``failed`` when the provider could not be asked: the next look goes back as far.
    """

    provider: str
    seen: int = 0
    filled: int = 0
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class PolledProviders:
    polled: Sequence[Polled]


class EventPollActivities(ABC):
    """``plan_polls`` is a local activity."""

    @activity.defn
    @abstractmethod
    async def plan_polls(self, step: EventPoll) -> PollPlan:
        """Name the providers to ask."""

    @activity.defn
    @abstractmethod
    async def poll_provider(self, step: PollProvider) -> Polled:
        """Put what was missed into the inbox and start its workflows; resumes where it stopped."""
