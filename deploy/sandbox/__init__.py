"""The sandbox of the outside world: one small server that behaves as Perdure's providers do.

``/stripe`` speaks Stripe's wire format (the official SDK runs unchanged with another base address),
``/carrier`` the carrier's JSON API, and ``/_control`` switches faults, challenges and webhook
behaviour and shows the provider's own ledger. One request is one SQLite transaction that holds its
effect, its idempotency record, its events and their pending webhook deliveries, so a killed process
loses nothing and resumes where it was.

Start it with ``python -m deploy.sandbox``; tests serve ``create_app(config)`` by ``create_server``.
"""
