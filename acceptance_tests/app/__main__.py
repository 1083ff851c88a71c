"""Run the demo on SQLite and without Redis, and say what to try: `python -m acceptance_tests.app`."""

import argparse
import os
import secrets
import signal
import socket
import sys
import tempfile
from pathlib import Path

import alembic.config
import uvicorn

_HERE = Path(__file__).parent

_HELP = """
The demo runs at {url} with a fresh SQLite database, and stops with Ctrl-C.

Open in a browser
  {url}/docs                the API of the demo
  {url}/c2c/                the operations page; the secret is  {secret}

Try in another terminal
  curl -X POST -H 'Content-Type: application/json' -d '{{"name": "one"}}' {url}/items
  curl {url}/items
  curl {url}/c2c/health_checks
  curl -X POST -H 'Content-Type: application/json' -d '{{"text": "hello"}}' {url}/echo/pydantic
  curl -H 'X-API-Key: {secret}' {url}/c2c/metrics
  curl -H 'X-API-Key: {secret}' {url}/c2c/headers/
  curl -H 'X-API-Key: {secret}' '{url}/c2c/logging/level?name=app'
  curl -X POST -H 'X-API-Key: {secret}' -H 'Content-Type: application/json' \\
       -d '{{"name": "app", "level": "DEBUG"}}' {url}/c2c/logging/level
  curl {url}/                # now logs a debug line in the first terminal
  curl -H 'X-API-Key: {secret}' {url}/c2c/logging/overrides

For several processes: start Redis, then run  C2C__REDIS__URL=redis://localhost make serve WORKERS=2
"""


def _check_free(host: str, port: int) -> None:
    """Exit with one line when the server could not listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as uvicorn does
            server.bind((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        sys.exit(f"Cannot listen on {host}, port {port}: {reason}. Choose another port: make serve PORT=8081")


def main() -> None:
    """Prepare the database, print what to try, run the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    _check_free(args.host, args.port)
    secret = os.environ.setdefault("C2C__AUTH__SECRET", secrets.token_urlsafe(12))
    os.environ.setdefault("C2C__AUTH__JWT__SECRET", secrets.token_urlsafe(32))
    os.environ.setdefault("C2C__HTTP", "True")
    os.environ.setdefault("C2C__DEVELOPMENT", "True")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the database is removed then too
    os.environ.setdefault("C2C__PROMETHEUS__PORT", "0")  # {url}/c2c/metrics has them too
    with tempfile.TemporaryDirectory(prefix="c2casgiutils-demo-") as directory:
        os.environ.setdefault("C2C__DB__URL", f"sqlite:///{directory}/demo.db")
        alembic.config.main(["--config", str(_HERE / "alembic.ini"), "upgrade", "head"])
        print(_HELP.format(url=f"http://{args.host}:{args.port}", secret=secret), flush=True)
        uvicorn.run(
            "app.main:app",
            app_dir=str(_HERE),
            host=args.host,
            port=args.port,
            workers=args.workers,
            timeout_worker_healthcheck=40,  # a busy machine takes longer than the default of 5 s to start one
            proxy_headers=False,
            log_config=str(_HERE / "logging.yaml"),
        )


if __name__ == "__main__":
    main()
