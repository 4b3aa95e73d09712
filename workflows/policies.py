"""Timeouts and retries, by name. One place to see how patient the platform is."""

from __future__ import annotations

from datetime import timedelta

from temporalio.common import RetryPolicy

DATABASE_STEP_TIMEOUT = timedelta(seconds=20)
DATABASE_STEP_RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5)
)
"""A short transaction is tried until the database is back; nothing fails for its absence."""

PROVIDER_CALL_TIMEOUT = timedelta(seconds=30)
PROVIDER_CALL_RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=4),
    maximum_attempts=4,
)
"""A call to a provider has four tries, then the workflow parks."""

PARKED_FIRST_WAIT = timedelta(seconds=5)
PARKED_LONGEST_WAIT = timedelta(minutes=5)
"""A parked step tries again by itself, ever less often; a person can wake it at once."""

DRAIN_BEFORE_FRESH_RUN = timedelta(seconds=10)
"""Messages that a long run is answering have this long before its fresh run; else it stays."""

CAPTURE_MARGIN = timedelta(hours=1)
"""Shipping begins at the latest this long before the authorization lapses."""

FIRST_TRACKING_POLL = timedelta(minutes=1)
LONGEST_TRACKING_POLL = timedelta(hours=6)
"""The carrier tells by webhook; it is asked as well, in case one was lost."""

FIRST_REFUND_POLL = timedelta(minutes=1)
LONGEST_PAYMENT_POLL = timedelta(hours=6)
"""A refund under way and a challenge are asked about as well, in case a webhook was lost."""

DISPUTE_POLL = timedelta(hours=12)
"""A dispute lasts for weeks: its provider is asked this often, in case an event was lost."""

SAME_STEP_RUNNING_WAIT = timedelta(seconds=5)
"""After a reset an earlier child may still run: look again after this long."""

CHECKOUT_IS_CLOSING_WAIT = timedelta(seconds=2)
"""Between the end of a checkout's workflow and a look at its order there can be a moment."""

LONGEST_STOCK_WAIT = timedelta(hours=6)
"""Goods that no other warehouse has are looked for again this often, until a person decides."""

POLL_TIMEOUT = timedelta(minutes=10)
POLL_HEARTBEAT = timedelta(minutes=1)
"""A look at a provider's list of events after a long outage has many pages; each is a heartbeat."""
FIRST_TRANSFER_POLL = timedelta(minutes=1)
LONGEST_TRANSFER_POLL = timedelta(hours=6)
"""A payment to a vendor that is under way or cannot be sent is looked after this often."""

PAID_TRANSFER_POLL = timedelta(days=1)
PAID_TRANSFER_WATCH = timedelta(days=7)
"""A transfer can come back: it is asked about for a while, and by events for ever after."""
RECONCILIATION_TIMEOUT = timedelta(hours=6)
RECONCILIATION_HEARTBEAT = timedelta(minutes=2)
"""Of one page, a slow answer of the provider and its rows included."""

RECONCILIATION_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
)
"""It goes on at its page until the provider and the database are back."""

FIRST_UPLOAD_LOOK = timedelta(seconds=10)
LONGEST_UPLOAD_LOOK = timedelta(minutes=5)
"""The API tells of an upload when it can; a store of others is looked into as well."""

UPLOAD_MARGIN = timedelta(minutes=15)
"""An upload that began before its link expired may end so much later."""

PICTURE_TIMEOUT = timedelta(minutes=5)
PICTURE_HEARTBEAT = timedelta(seconds=30)
"""A worker that died over a picture is missed after so long."""

PICTURE_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(minutes=1),
    maximum_attempts=60,
)
"""For an hour; then the picture is refused, and its uploader tries again."""

FILE_STEP_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)
)
"""Files are looked for and removed until their store is back."""

REPAIR_ATTEMPTS = 3
"""Then a difference that is still there is for a person."""

REPAIR_SETTLES_IN = timedelta(seconds=2)
REPAIR_PAUSE = timedelta(seconds=10)
"""What a repair starts needs a moment; an attempt that did not help is repeated later."""

JOB_STRETCH_TIMEOUT = timedelta(minutes=15)
"""A stretch of work on a job stops by itself long before this."""

JOB_FILE_TIMEOUT = timedelta(minutes=30)
"""Of the file that a job leaves behind."""

JOB_HEARTBEAT = timedelta(seconds=20)
"""Of one part of a job; a worker that was killed is replaced after so long."""

JOB_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
)
"""It goes on at its part until the database and the store of files are back."""

SYNC_STINT = timedelta(minutes=10)
SYNC_STINT_TIMEOUT = timedelta(minutes=30)
"""A stint ends when nothing is left to do; the last batch of an import may take its time."""
SYNC_STINTS = 144
"""A day of stints in one run."""
SYNC_HEARTBEAT = timedelta(seconds=10)
"""Who follows the catalogue and dies is replaced after so long."""
SYNC_RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=5)
)
SYNC_PAUSE_AFTER_FAILURE = timedelta(seconds=5)

INDEX_STEP_TIMEOUT = timedelta(hours=1)
INDEX_HEARTBEAT = timedelta(minutes=2)
"""Of one page: a backend with a queue may take its time for it."""
INDEX_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
)
"""A rebuild waits for its backend; one that was given up elsewhere ends."""

FIRST_BUSINESS_LOOK = timedelta(minutes=1)
LONGEST_BUSINESS_LOOK = timedelta(hours=6)
"""What is open of a person who wants to be forgotten is looked after this often, until it ends."""

FAREWELL_PATIENCE = timedelta(days=1)
"""The last message has this long to be sent; then its person is forgotten without it."""

ERASURE_STEP_TIMEOUT = timedelta(minutes=5)
EXPORT_TIMEOUT = timedelta(minutes=15)
"""Of somebody who has ordered for many years."""
