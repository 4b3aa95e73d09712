"""Counters of the library ``limits`` on the client that this process has open."""

from __future__ import annotations

from limits.aio.storage import RedisStorage

from core.cache import CacheClient


class LimitsStorage(RedisStorage):
    """The library makes clients of its own from an address, and knows other forms of addresses.

    Every counter is one key, so it works on one server, behind Sentinels and in a Cluster alike.
    """

    STORAGE_SCHEME = None  # type: ignore[assignment]  # of no address: it is not found by one

    def __init__(self, client: CacheClient) -> None:
        self._client = client
        super().__init__("redis://", implementation="redispy")

    def configure_bridge(self) -> None:
        """Called by the library when it would open its client."""
        self.bridge.connection_getter = lambda _readonly: self._client  # type: ignore[attr-defined]  # of redispy's bridge
