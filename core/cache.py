"""Redis (or Valkey): the limits and whatever may be lost without harm.

The address says how its servers stand together:

- ``redis://host:port/0``, ``rediss://…`` (TLS): one server.
- ``redis+sentinel://host:port,host:port/service/0``: Sentinels name the present primary of a
  service; ``rediss+sentinel`` when its servers speak TLS.
- ``redis+cluster://host:port,host:port``: some nodes of a Redis Cluster, which name the others;
  ``rediss+cluster`` with TLS.

A user and a password before the hosts are those of the data servers; Sentinels have their own
password in the settings. What each use does without Redis is in ``docs/redis.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, TypeAlias
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from core.settings import RedisSettings

CacheClient: TypeAlias = Redis | RedisCluster

CACHE_ERRORS = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What a command raises when Redis does not answer as it should."""

_DEFAULT_PORTS = {"redis": 6379, "sentinel": 26379, "cluster": 6379}


class Standing(StrEnum):
    """How the servers behind an address stand together."""

    ALONE = "redis"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisAddress:
    """What an address says; ``service`` is the name that Sentinels know the primary by."""

    standing: Standing
    hosts: tuple[tuple[str, int], ...]
    tls: bool = False
    username: str | None = None
    password: str | None = None
    service: str = ""
    database: int = 0

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an address.

        Raises:
            ValueError: it is none of the forms that the module lists; the words do not repeat it,
                because it may contain a password.
        """
        parts = urlsplit(url)
        scheme, _, standing_name = parts.scheme.partition("+")
        standing_name = standing_name or Standing.ALONE
        if scheme not in {"redis", "rediss"} or standing_name not in _DEFAULT_PORTS:
            raise ValueError("the address of Redis begins with redis, redis+sentinel or the like")
        standing = Standing(standing_name)
        credentials, _, hosts = parts.netloc.rpartition("@")
        username, _, password = credentials.partition(":")
        path = [part for part in parts.path.split("/") if part]
        service = path.pop(0) if standing is Standing.SENTINEL and path else ""
        if standing is Standing.SENTINEL and not service:
            raise ValueError("the address of Sentinels ends with the name of the service")
        return cls(
            standing=standing,
            hosts=tuple(_host(one, _DEFAULT_PORTS[standing]) for one in hosts.split(",")),
            tls=scheme == "rediss",
            username=unquote(username) or None,
            password=unquote(password) or None,
            service=service,
            database=int(path[0]) if path else 0,
        )


class SentinelClient(Redis):
    """A client of whoever is the primary now; it closes what it asked the Sentinels by."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001  # the library's signature
        await super().aclose(close_connection_pool)
        pool = self.connection_pool
        if isinstance(pool, SentinelConnectionPool):
            await pool.sentinel_manager.aclose()


def open_cache(settings: RedisSettings) -> CacheClient:
    """Make a client that connects when it is first used and never waits long.

    An answer that takes longer than ``timeout_seconds`` is an error: nothing that a customer
    waits for may hang on the cache. A broken connection is replaced once.

    Raises:
        ValueError: the address has none of the known forms.
    """
    url = settings.url.get_secret_value()
    address = RedisAddress.parse(url)
    if address.standing is Standing.ALONE:
        return Redis.from_url(url, **_patience(settings))
    connecting = {
        "username": address.username,
        "password": address.password,
        "ssl": address.tls,
        **_patience(settings),
    }
    if address.standing is Standing.CLUSTER:
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        return RedisCluster(startup_nodes=nodes, **connecting)
    return _of_sentinels(address, settings, connecting)


def _of_sentinels(
    address: RedisAddress, settings: RedisSettings, connecting: dict[str, Any]
) -> Redis:
    secret = settings.sentinel_password
    asking = _patience(settings) | {"password": secret.get_secret_value() if secret else None}
    sentinels = Sentinel(address.hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]  # of redis
    primary: Redis = sentinels.master_for(
        address.service, redis_class=SentinelClient, db=address.database, **connecting
    )
    return primary


def _patience(settings: RedisSettings) -> dict[str, Any]:
    return {
        "socket_timeout": settings.timeout_seconds,
        "socket_connect_timeout": settings.timeout_seconds,
        "retry": Retry(NoBackoff(), 1),
        "decode_responses": True,
    }


def _host(words: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{words}")
    if not parts.hostname:
        raise ValueError("the address of Redis has no host")
    return parts.hostname, parts.port or default_port
