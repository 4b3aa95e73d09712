"""``perdure demo --story``: the life of one complicated order, in chapters over HTTP."""

from deploy.demo.story.narrative import command

__all__ = ["command"]
