"""The HTTP server: reads whole requests, lets the front answer, and can break an answer where a fault asks for it."""

import os
import socket
import struct
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from front.clock import Clock
from front.messages import Answer, Delivery, Request

HANG_LIMIT = 60


class Server(ThreadingHTTPServer):
    """One thread per connection, connections kept alive as AWS keeps them."""

    daemon_threads = True
    request_queue_size = 512
    front = None

    def __init__(self, port: int, clock: Clock) -> None:
        self.clock = clock
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address) -> None:
        """A client that went away is what fault tests are about; anything else is worth a trace."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            traceback.print_exc()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def answer(self) -> None:
        request = Request(self.command, self.path, self.headers.items(), self.read_body())
        try:
            answer = self.server.front.answer(request)
        except Exception:
            traceback.print_exc()
            answer = Answer(500, [("Content-Type", "text/plain")], traceback.format_exc().encode())
        self.deliver(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = answer

    def read_body(self) -> bytes:
        """The body, also when it comes in chunks: the front refuses chunks itself, with the code AWS has for it."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self.read_chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def read_chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def deliver(self, answer: Answer) -> None:
        if answer.delivery is Delivery.RESET:
            return self.reset()
        if answer.delivery is Delivery.HANG:
            return self.hang()
        self.send_response(answer.status)
        named = {name.lower() for name, _ in answer.headers}
        for name, value in answer.headers:
            if name.lower() not in ("date", "server", "connection"):
                self.send_header(name, value)
        bodiless = answer.status in (204, 304) or answer.status < 200
        if not bodiless and "content-length" not in named:
            length = len(answer.body) + (4096 if answer.delivery is Delivery.TRUNCATE else 0)
            self.send_header("Content-Length", str(length))
        if answer.delivery is Delivery.TRUNCATE:
            self.send_header("Connection", "close")
        self.end_headers(answer.body if self.command != "HEAD" and not bodiless else b"")
        if answer.delivery is Delivery.TRUNCATE:
            self.close_connection = True

    def end_headers(self, body: bytes = b"") -> None:
        """Head and body in one write, so that a small answer is one packet."""
        if hasattr(self, "_headers_buffer"):
            self._headers_buffer.append(b"\r\n" + (body if len(body) < 65536 else b""))
            self.flush_headers()
        if len(body) >= 65536:
            self.wfile.write(body)

    def reset(self) -> None:
        """Sends RST instead of FIN: the client sees a lost connection, not an empty answer."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        raise ConnectionResetError

    def hang(self) -> None:
        """Says nothing until the client gives up."""
        self.connection.settimeout(HANG_LIMIT)
        try:
            self.connection.recv(1)
        except TimeoutError:
            pass
        self.close_connection = True

    def version_string(self) -> str:
        return "AmazonEC2"

    def date_time_string(self, timestamp=None) -> str:
        return super().date_time_string(self.server.clock.now().timestamp())

    def log_request(self, code="-", size="-") -> None:
        pass
