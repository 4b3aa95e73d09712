"""The paths of people who are forgotten whose histories are kept, beside those of ``paths``."""

from __future__ import annotations

from datetime import timedelta

from tests.eventually import eventually
from tests.replay.paths import keep
from tests.workflows.conftest import outside, skipping
from tests.workflows.platform import SkippingPlatform
from tests.workflows.test_erasure import asked, canceled, ordered, registered, wish
from tests.workflows.test_personal_export import handed_out
from workflows.erasure import ErasureWorkflow

__all__ = ["outside", "skipping"]


async def test_person_whose_order_ends_first(skipping: SkippingPlatform) -> None:
    await registered(skipping)
    order_id = await ordered(skipping)
    erasure = await asked(skipping)
    await eventually(lambda: wish(skipping), lambda seen: seen.status == "waiting")
    await canceled(skipping, order_id)
    await erasure.execute_update(ErasureWorkflow.retry)
    await eventually(lambda: wish(skipping), lambda seen: seen.kept != {})
    lifetime = skipping.resources.settings.auth.access_token_seconds
    await skipping.skip(timedelta(seconds=lifetime + 5))
    await erasure.result()
    await keep(skipping, erasure.id, "waited")


async def test_person_who_is_handed_their_data(skipping: SkippingPlatform) -> None:
    await keep(skipping, await handed_out(skipping), "expired")
