"""Every way in which a provider fails, at every call on an order's way, with every kind of webhook.

Each combination is one order that lives through a short life, all of a batch at once on one real
platform. Afterwards: one order, one charge, and our books as the provider's.

``make test`` lives through 60 of them, ``make test-deep`` through as many as ``COMBINATIONS`` says.
A failure names its combination; ``PERDURE_FAULTS_ONLY=<name> pytest tests/faults`` runs it alone.
"""
