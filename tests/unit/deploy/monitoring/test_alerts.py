"""Every alert asks for a metric that is there."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from activities.index import DIFFERENCES
from tests.architecture.source import ROOT
from workers import catalogue_metrics, reconciliation_metrics

RULES = ROOT / "deploy" / "monitoring" / "alerts.yml"
WORDS = {"max", "sum", "by", "increase", "rate", "provider", "kind", "currency", "balance"}
WORDS |= {"consumer"}
NAME = re.compile(r"\b[a-z][a-z0-9_]{2,}\b(?=[^\"]*(?:\"[^\"]*\"[^\"]*)*$)")


def expressions() -> list[str]:
    return re.findall(r"^ +expr: (.+)$", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE)


def registered() -> set[str]:
    names = set()
    told = [
        *reconciliation_metrics.COLLECTOR.collect(),
        *catalogue_metrics.COLLECTOR.collect(),
        *DIFFERENCES.collect(),
    ]
    for metric in told:
        counter = metric.type == "counter"
        names.add(f"{metric.name}_total" if counter else metric.name)
    return names


def test_every_metric_of_an_alert_exists() -> None:
    asked = {name for one in expressions() for name in NAME.findall(one)} - WORDS

    assert len(expressions()) == 8
    assert asked == {
        "catalogue_sync_behind_seconds",
        "index_differences_total",
        "reconciliation_last_success_age_seconds",
        "reconciliation_open_amount",
        "reconciliation_open_differences",
        "reconciliation_repaired_total",
    }
    assert asked <= registered()


def test_every_alert_names_a_runbook_that_exists() -> None:
    text = RULES.read_text(encoding="utf-8")
    runbooks = re.findall(r"^ +runbook: (.+)$", text, flags=re.MULTILINE)

    assert len(runbooks) == text.count("- alert: ")
    assert all((ROOT / runbook).exists() for runbook in runbooks)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_rules_are_valid() -> None:
    checked = subprocess.run(  # noqa: S603  # Prometheus' own checker on our file
        [shutil.which("promtool") or "promtool", "check", "rules", str(RULES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
