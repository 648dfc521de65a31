"""Serve the portal: python -m portal.serving --port 8000

The options are uvicorn's of the same name; what a site has no reason to choose is chosen here.
"""

import argparse

import uvicorn

from portal.serving.requests import RequestConnection
from portal.serving.web_socket import WebSocketConnection


def main() -> None:
    """Serve until SIGTERM, which drains."""
    parser = argparse.ArgumentParser(prog="python -m portal.serving", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--backlog", type=int, default=2048)
    parser.add_argument("--timeout-graceful-shutdown", type=int, default=10)
    uvicorn.run(
        "portal.asgi:application",
        **vars(parser.parse_args()),
        http=RequestConnection,
        ws=WebSocketConnection,
        # Frames are small and equal for many: deflating each for each socket costs more than it
        # saves, and a compressed bomb is one risk less.
        ws_per_message_deflate=False,
        # Until the engine says how large a frame may be.
        ws_max_size=65_536,
        lifespan="on",
        server_header=False,
        access_log=False,
    )


if __name__ == "__main__":
    main()
