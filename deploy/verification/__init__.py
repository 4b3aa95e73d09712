"""``perdure verify``: is everything that was promised still true, here and at the provider?"""

from deploy.verification.everything import verify
from deploy.verification.printing import command
from deploy.verification.report import Check, Report

__all__ = ["Check", "Report", "command", "verify"]
