"""Anonymous product reads a second that one API process answers, with and without kept answers.

Run ``python -m tests.benchmarks.read_speed`` beside a running platform (``perdure up``): it starts
two API processes on it, one that keeps answers and one that keeps none, and reads from each in turn
over a few connections. The client is a bare socket, so that it is not what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from deploy.local.ports import free_ports

HOST = "127.0.0.1"
START_SECONDS = 60


@contextlib.contextmanager
def api(data_dir: Path, seconds: float) -> Iterator[int]:
    """One API process on the running platform; answers are kept for so many seconds."""
    port = free_ports().api
    changed = {
        "PERDURE_API_PORT": str(port),
        "PERDURE_API_READ_CACHE_SECONDS": str(seconds),
        "PERDURE_API_RATE_LIMIT": "1000000/second",
    }
    command = [sys.executable, "-m", "deploy.cli", "api", "--data-dir", str(data_dir)]
    process = subprocess.Popen(  # noqa: S603  # ours
        command,
        env=os.environ | changed,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urlopen(f"http://{HOST}:{port}/healthz"):  # loopback
                break
            time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait()


def paths(port: int) -> list[str]:
    with urlopen(f"http://{HOST}:{port}/v1/products?limit=20") as answer:  # loopback
        products = [f"/v1/products/{one['id']}" for one in json.load(answer)["data"]]
    return [*products, "/v1/products?limit=20", "/v1/categories", "/v1/search?q=tee"]


async def read_from(port: int, wanted: list[str], until: float, took: list[float]) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    turn = 0
    while time.perf_counter() < until:
        started = time.perf_counter()
        path = wanted[turn % len(wanted)]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: api\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        took.append(time.perf_counter() - started)
        turn += 1
    writer.close()


async def measure(port: int, wanted: list[str], connections: int, seconds: float) -> list[float]:
    took: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(read_from(port, wanted, until, took) for _ in range(connections)))
    return took


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data-dir", type=Path, default=Path(".perdure"))
    asked.add_argument("--seconds", type=float, default=8)
    asked.add_argument("--connections", type=int, default=8)
    options = asked.parse_args()
    with api(options.data_dir, 0) as without, api(options.data_dir, 2) as with_cache:
        kinds = {"products": paths(without)[:-3]} | {one: [one] for one in paths(without)[-3:]}
        for kind, wanted in kinds.items():
            for name, port in (("none kept", without), ("kept", with_cache)):
                asyncio.run(measure(port, wanted, options.connections, 1))
                took = asyncio.run(measure(port, wanted, options.connections, options.seconds))
                p95 = statistics.quantiles(took, n=20)[-1] * 1000
                speed = f"{len(took) / options.seconds:8.0f}/s  p95 {p95:6.1f} ms"
                print(f"{kind:24} {name:10} {speed}")  # noqa: T201  # a report


if __name__ == "__main__":
    main()
