"""The errors of the domain, one tree; each has a stable code and knows whether to try again.

::

    DomainError
    ├── InvalidRequestError      validation-error     the caller's input, with pointers
    ├── NotAuthenticatedError    not-authenticated    no or bad credentials
    │   └── TotpRequiredError    totp-required        the second factor is missing
    ├── ForbiddenError           forbidden            the role does not allow it
    ├── NotFoundError            not-found            not there, or somebody else's
    ├── ConflictError            conflict             the resource changed or exists
    ├── InvalidStateError        invalid-state        the state has no such move
    ├── OutOfStockError          out-of-stock         fewer units than asked for
    ├── PaymentDeclinedError     payment-declined     the bank said no
    ├── InvalidSignatureError    invalid-signature    a webhook that nobody signed
    ├── IdempotencyKeyMissingError / IdempotencyKeyReusedError
    ├── PreconditionFailedError  precondition-failed  If-Match does not match
    ├── RateLimitedError         rate-limited         too many requests
    ├── PayloadTooLargeError     payload-too-large    body over the limit
    ├── ProviderRejectedError    provider-rejected    a provider understood and refused
    │   ├── AuthorizationLapsedError authorization-lapsed it does not hold the money any more
    │   └── PaymentMismatchError payment-mismatch its payment is not the one that was asked for
    └── UnavailableError         unavailable          a dependency is down (retryable)
        └── ProviderError        unavailable          a provider failed; what it did is unknown

Two translators know this tree: ``api.errors`` (problem+json) and ``activities.errors``
(``ApplicationError``). Nobody reads a message to decide anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """What is wrong with one field; ``pointer`` is a JSON pointer (RFC 6901) into the body."""

    pointer: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortage:
    """One SKU of which fewer units are available than were asked for."""

    sku: str
    requested: int
    available: int


class DomainError(Exception):
    """Base of the tree."""

    code: ClassVar[str] = "internal-error"
    retryable: ClassVar[bool] = False

    def extra(self) -> Mapping[str, object]:
        """Return the members that problem+json carries beside the standard ones."""
        return {}


class InvalidRequestError(DomainError):
    code = "validation-error"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(": ".join(filter(None, (e.pointer, e.detail))) for e in errors))
        self.errors = tuple(errors)

    def extra(self) -> Mapping[str, object]:
        return {"errors": [{"pointer": e.pointer, "detail": e.detail} for e in self.errors]}


class NotAuthenticatedError(DomainError):
    code = "not-authenticated"


class TotpRequiredError(NotAuthenticatedError):
    """The password was right; the code of the authenticator is needed too."""

    code = "totp-required"


class ForbiddenError(DomainError):
    code = "forbidden"


class NotFoundError(DomainError):
    code = "not-found"


class ConflictError(DomainError):
    code = "conflict"


class InvalidStateError(DomainError):
    code = "invalid-state"

    def __init__(self, *, present: str, wanted: str, allowed: Sequence[str] = ()) -> None:
        moves = ", ".join(allowed) or "none"
        super().__init__(f"the state is {present}; {wanted} is not possible (possible: {moves})")
        self.present, self.wanted, self.allowed = present, wanted, tuple(allowed)

    def extra(self) -> Mapping[str, object]:
        return {"state": self.present, "allowed": list(self.allowed)}


class OutOfStockError(DomainError):
    code = "out-of-stock"

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        super().__init__("out of stock: " + ", ".join(s.sku for s in shortages))
        self.shortages = tuple(shortages)

    def extra(self) -> Mapping[str, object]:
        return {
            "items": [
                {"sku": s.sku, "requested": s.requested, "available": s.available}
                for s in self.shortages
            ]
        }


class PaymentDeclinedError(DomainError):
    code = "payment-declined"

    def __init__(self, decline_code: str) -> None:
        super().__init__(f"the payment was declined: {decline_code}")
        self.decline_code = decline_code

    def extra(self) -> Mapping[str, object]:
        return {"decline_code": self.decline_code}


class InvalidSignatureError(DomainError):
    code = "invalid-signature"


class IdempotencyKeyMissingError(DomainError):
    code = "idempotency-key-missing"


class IdempotencyKeyReusedError(DomainError):
    code = "idempotency-key-reused"


class PreconditionFailedError(DomainError):
    code = "precondition-failed"


class RateLimitedError(DomainError):
    code = "rate-limited"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class PayloadTooLargeError(DomainError):
    code = "payload-too-large"


class ProviderRejectedError(DomainError):
    """The provider understood the request and refused it: the same request fails again."""

    code = "provider-rejected"


class AuthorizationLapsedError(ProviderRejectedError):
    """The provider holds less of the customer's money than is to be captured, or none any more."""

    code = "authorization-lapsed"


class PaymentMismatchError(ProviderRejectedError):
    """The provider's payment has another amount or currency, or belongs to somebody else.

    It is never applied: a person has to look at it.
    """

    code = "payment-mismatch"


class UnavailableError(DomainError):
    """Something that we depend on is down or slow; the same request may succeed later."""

    code = "unavailable"
    retryable = True


class ProviderError(UnavailableError):
    """A provider failed or did not answer: whether the call had its effect is unknown."""
