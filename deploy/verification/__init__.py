"""``perdure verify``: is everything that was promised still true, here and at the provider?"""

from deploy.verification.printing import command
from deploy.verification.report import Check, Report
from deploy.verification.everything import verify

__all__ = ["Check", "Report", "command", "verify"]
