"""``perdure demo``: shoppers who place real orders over HTTP and wait for their parcels."""

from deploy.demo.demonstration import command

__all__ = ["command"]
