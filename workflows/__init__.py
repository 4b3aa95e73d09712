"""Decisions: durable workflows, one file each. They act only through ``workflows.ports``."""
