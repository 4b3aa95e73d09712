"""Deeds: idempotent activities that implement ``workflows.ports``."""
