"""Servers on loopback that stand where a provider stands, and keep what arrives."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from aiosmtpd.controller import Controller


@dataclass
class Arrived:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Provider:
    """A provider over HTTP: answers in the order given, the last one for ever."""

    answers: list[tuple[int, dict[str, str], bytes]]
    arrived: list[Arrived] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None
    url: str = ""


@contextmanager
def http_provider(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[Provider]:
    provider = Provider(list(answers) or [(201, {}, b"")])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            provider.arrived.append(Arrived(self.path, dict(self.headers), body))
            provider.before_answer()
            at = min(len(provider.arrived), len(provider.answers)) - 1
            status, headers, answer = provider.answers[at]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that takes one request and hangs up without a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up():
            line, _ = server.accept()
            with line:
                line.recv(65_536)

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@dataclass
class Held:
    """What a server on loopback was given, and holds."""

    host: str
    port: int
    lines: list[socket.socket] = field(default_factory=list)


@contextmanager
def holding_server(say: Callable[[socket.socket], None] = lambda line: None) -> Iterator[Held]:
    """A server that takes every connection and never answers; or says what `say` says to each."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        held = Held("127.0.0.1", server.getsockname()[1])

        def take():
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    held.lines.append(line)
                    threading.Thread(target=say, args=[line], daemon=True).start()

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield held
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for line in held.lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
                line.close()


def drip(line: socket.socket) -> None:
    """Answer with a letter ten times a second, for minutes."""
    with suppress(OSError):
        for _ in range(3000):
            line.sendall(b"a")
            time.sleep(0.1)


class Postbox:
    """A mail server's handler: keeps messages, refuses whom it is told to refuse."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusal = ""
        self.before_answer: Callable[[], None] = lambda: None

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.mails.append(BytesParser(policy=default).parsebytes(envelope.content))
        self.before_answer()
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[Postbox, SimpleNamespace]]:
    """A real SMTP server, and Django's settings that lead to it."""
    postbox = Postbox()
    # It asks its own port whether it is up, so it must be told one.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(postbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield postbox, SimpleNamespace(host="127.0.0.1", port=port)
    finally:
        controller.stop()
