"""What the API counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "http_request_duration_seconds",
    "Time from the first byte of a request to the last of its answer.",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
CHECKOUTS = Counter("checkout_answers_total", "First answers to checkouts.", ("outcome",))
ORDERS_CONFIRMED = Counter("orders_confirmed_total", "Orders that were confirmed in the answer.")
REPLAYS = Counter("idempotent_replays_total", "Answers that were given again.")
LIMITED = Counter("rate_limited_total", "Requests that were refused with 429.", ("policy",))
LIMITER_DOWN = Counter(
    "rate_limiter_unavailable_total", "Requests that were let through because Redis was down."
)
WEBHOOKS = Counter("webhooks_received_total", "Verified events.", ("provider", "novelty"))
STREAMS = Gauge("order_event_streams", "Open event streams.")
SIGN_IN_REFUSED = Counter(
    "sign_in_refused_total",
    "Tries to sign in and requests for messages that were refused as too many.",
    ("policy",),
)
