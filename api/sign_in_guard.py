"""Against those who guess passwords and codes, and those who flood others with messages.

Counters are in Redis, by the library ``limits``. Without Redis each process counts for itself: so
many processes as there are, so many times the tries there are, but never without end. Accounts and
addresses are hashed: Redis has no personal data, and an account that does not exist is counted and
locked like any other.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from limits.aio.storage import MemoryStorage, Storage

from api.metrics import SIGN_IN_REFUSED
from core.cache import CACHE_ERRORS, CacheClient
from core.domain.errors import RateLimitedError
from core.limits_storage import LimitsStorage
from core.settings_people import ThrottleSettings

T = TypeVar("T")

log = structlog.get_logger("api")

ADDRESS_SECONDS = 600
MESSAGES_SECONDS = 3600
KNOWN_SECONDS = 30 * 86_400
_PAUSE_SECONDS = 1.0
_MOST_DOUBLINGS = 16
_IPV6_SUBSCRIBER = 64


class Counters:
    """Counters with an end; in Redis while it answers, else in this process."""

    def __init__(self, cache: CacheClient) -> None:
        self._shared = LimitsStorage(cache)
        self._own = MemoryStorage()
        self._resume_at = 0.0

    async def add(self, key: str, seconds: int, amount: int = 1) -> int:
        """Add to a counter, which ends so many seconds after its first; return what it says."""
        return await self._ask(lambda storage: storage.incr(key, seconds, amount))

    async def read(self, key: str) -> int:
        return await self._ask(lambda storage: storage.get(key))

    async def seconds_left(self, key: str) -> int:
        """Return in how many seconds a counter ends; at least one."""
        ends_at = await self._ask(lambda storage: storage.get_expiry(key))
        return max(1, round(ends_at - time.time()))

    async def forget(self, key: str) -> None:
        await self._ask(lambda storage: storage.clear(key))

    async def _ask(self, question: Callable[[Storage], Awaitable[T]]) -> T:
        if time.monotonic() >= self._resume_at:
            try:
                return await question(self._shared)
            except CACHE_ERRORS as error:
                self._resume_at = time.monotonic() + _PAUSE_SECONDS
                log.warning("sign-ins are counted by each process", error=type(error).__name__)
        return await question(self._own)


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """A try that is allowed; it counts as failed until ``succeeded`` is called."""

    guard: SignInGuard
    account: str
    bucket: str
    address: str

    async def succeeded(self) -> None:
        """Forget the failed tries of the account, and know this address from now on."""
        await self.guard.forgive(self)


class SignInGuard:
    """Counts tries before they are made, so that many at once are not more than one by one.

    After some free tries of an account each further one takes a lock that is twice as long as the
    one before. An address from which the account has signed in has tries of its own: nobody can
    lock a person out from afar.
    """

    def __init__(self, cache: CacheClient, settings: ThrottleSettings) -> None:
        self._counters = Counters(cache)
        self._settings = settings

    async def begin(self, account: str, address: str) -> Try:
        """Count a try to prove that one is ``account``.

        Args:
            account: an e-mail address, a number or an id; it need not exist.
            address: where the request comes from.

        Raises:
            RateLimitedError: the account is locked, or the address has failed too often.
        """
        who, where = _digest(account.strip().lower()), _digest(_subscriber(address))
        await self._take(
            f"address:{where}", ADDRESS_SECONDS, self._settings.address_tries, "address"
        )
        known = await self._counters.read(f"known:{who}:{where}")
        bucket = f"{who}:{where}" if known else who
        attempt = Try(guard=self, account=who, bucket=bucket, address=where)
        await self._pass_lock(bucket)
        return attempt

    async def forgive(self, attempt: Try) -> None:
        """Undo what ``begin`` has counted."""
        for name in ("tries", "level", "lock"):
            await self._counters.forget(f"{name}:{attempt.bucket}")
        await self._counters.add(f"address:{attempt.address}", ADDRESS_SECONDS, -1)
        known = f"known:{attempt.account}:{attempt.address}"
        await self._counters.forget(known)
        await self._counters.add(known, KNOWN_SECONDS)

    async def may_write_to(self, recipient: str) -> bool:
        """Count a message to somebody; False when there were too many in the hour.

        Whoever asks is not told: that would tell what others have asked for.
        """
        key = f"to:{_digest(recipient.strip().lower())}"
        count = await self._counters.add(key, MESSAGES_SECONDS)
        if count > self._settings.messages_per_recipient:
            SIGN_IN_REFUSED.labels("recipient").inc()
            return False
        return True

    async def count_request(self, address: str) -> None:
        """Count a request for a message.

        Raises:
            RateLimitedError: the address has asked for too many in the hour.
        """
        key = f"from:{_digest(_subscriber(address))}"
        await self._take(key, MESSAGES_SECONDS, self._settings.messages_per_address, "messages")

    async def _take(self, key: str, seconds: int, most: int, policy: str) -> None:
        if await self._counters.add(key, seconds) > most:
            await self._refuse(key, policy)

    async def _pass_lock(self, bucket: str) -> None:
        settings = self._settings
        lock = f"lock:{bucket}"
        if await self._counters.read(lock):
            await self._refuse(lock, "account")
        tries = await self._counters.add(f"tries:{bucket}", settings.forget_seconds)
        if tries <= settings.free_tries:
            return
        level = await self._counters.read(f"level:{bucket}")
        doubled = settings.first_lock_seconds << min(level, _MOST_DOUBLINGS)
        # The first of those who come at once takes the lock, and with it the one try it allows.
        if await self._counters.add(lock, min(doubled, settings.longest_lock_seconds)) > 1:
            await self._refuse(lock, "account")
        await self._counters.add(f"level:{bucket}", settings.forget_seconds)

    async def _refuse(self, key: str, policy: str) -> None:
        SIGN_IN_REFUSED.labels(policy).inc()
        log.warning("a try to sign in was refused", policy=policy)
        raise RateLimitedError(retry_after_seconds=await self._counters.seconds_left(key))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def _subscriber(address: str) -> str:
    """Return whose address it is: a subscriber of IPv6 has a network of /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004  # the version of IP
        return address
    return str(ipaddress.ip_network((parsed, _IPV6_SUBSCRIBER), strict=False))
