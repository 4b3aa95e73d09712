"""`python -m deploy.sandbox`: serve the outside world until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

import uvloop

from core.settings import load_settings
from deploy.sandbox.app import create_app
from deploy.sandbox.config import DEFAULT_STRIPE_EVENTS, config_from_settings
from deploy.sandbox.server import create_server


def main() -> None:
    arguments = _parse_arguments()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    config = config_from_settings(
        load_settings(),
        database=arguments.data,
        public_url=arguments.public_url or f"http://{arguments.host}:{arguments.port}",
        stripe_webhook_url=arguments.stripe_webhook_url,
        paystack_webhook_url=arguments.paystack_webhook_url,
        carrier_webhook_url=arguments.carrier_webhook_url,
        carrier_transit_ms=arguments.carrier_transit_ms,
        webhook_delay_ms=arguments.webhook_delay_ms,
        smtp_host=arguments.host,
        smtp_port=arguments.smtp_port,
        stripe_events=tuple(arguments.stripe_event or DEFAULT_STRIPE_EVENTS),
    )
    app = await create_app(config)
    server = create_server(app, host=arguments.host, port=arguments.port)

    def drain() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, drain)
    await server.serve()


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.sandbox", description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=18090)
    parser.add_argument("--smtp-port", type=int, help="unset: no mail is taken")
    parser.add_argument("--data", type=Path, required=True, help="the SQLite file")
    parser.add_argument("--public-url", help="in addresses of labels and pages")
    parser.add_argument("--stripe-webhook-url", help="unset: events are kept, not delivered")
    parser.add_argument("--paystack-webhook-url", help="unset: events are kept, not delivered")
    parser.add_argument("--carrier-webhook-url", help="unset: events are kept, not delivered")
    parser.add_argument(
        "--stripe-event",
        action="append",
        help="an event type that is delivered, `*` at its end is a prefix; may be repeated",
    )
    parser.add_argument("--carrier-transit-ms", type=int, default=1500)
    parser.add_argument("--webhook-delay-ms", type=int, default=300)
    return parser.parse_args()


if __name__ == "__main__":
    main()
