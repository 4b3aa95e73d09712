"""Every stored history replays on the present code, and knows nothing that it must not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from tests.replay.reading import readable
from tests.replay.record import HISTORIES
from tests.shop import ADDRESS
from workers.registry import POOLS
from workers.runtime import PASSED_THROUGH

FILES = sorted(HISTORIES.glob("*.json"))
WORKFLOWS = sorted(
    {workflow for pool in POOLS.values() for workflow in pool.workflows}, key=lambda w: w.__name__
)
PERSONAL = [
    "@shop.perdure.dev",
    *(str(value) for value in ADDRESS.values() if value and len(str(value)) > 2),
]
SECRETS = ["client_secret", "_secret_", "sk_test_", "whsec_"]
MACHINE = ["identity", "stackTrace"]
KNOWN = ["job_", "msg_", "ord_", "hld_", "evt_", "stl_", "usr_", "ven_", "_days", "min_age"]
KNOWN += ["until", "consumer", "compare", "med_", "reason"]
"""What shows that a history was read at all."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_stored_history_replays(file: Path) -> None:
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
        ),
    )
    words = await asyncio.to_thread(file.read_text)
    await replayer.replay_workflow(WorkflowHistory.from_json(file.stem, words))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.__name__)
def test_workflow_type_has_a_history(workflow: type) -> None:
    assert [file for file in FILES if file.stem.split("-")[0] == workflow.__name__]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_history_holds_no_personal_data_and_no_secret(file: Path) -> None:
    words = readable(file.read_text())
    assert any(known in words for known in KNOWN)
    assert [word for word in PERSONAL + SECRETS + MACHINE if word in words] == []
