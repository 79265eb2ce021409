"""The HTTP server: reads requests, asks the hub, records calls, and breaks answers where a fault asks for it."""

import json
import os
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from faults import Faults, spoil
from hub import Hub
from messages import Answer, Request

PREFIX = "/api/v3"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        self.hub = Hub()
        self.faults = Faults()
        self.calls: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request, client_address) -> None:
        """A client that went away is what fault tests are about."""

    def answer(self, request: Request) -> Answer:
        with self.lock:
            name = self.hub.named(request.path)
            fault = self.faults.take(request, name)
            answer, done = spoil(fault, lambda: self.hub.answer(request)) if fault else (self.hub.answer(request), True)
            call = {"method": request.method, "path": request.path, "status": answer.status, "done": done}
            self.calls.append(call | {"repository": name, "agent": request.headers.get("user-agent")})
            return answer

    def control(self, request: Request) -> Answer:
        with self.lock:
            if request.method == "GET":
                name = request.query["repository"]
                calls = [call for call in self.calls if call["repository"] == name]
                return Answer(200, {"calls": calls, "releases": self.hub.repositories[name].releases})
            order = json.loads(request.body)
            ids = {name: self.hub.make(name, one) for name, one in order.get("repositories", {}).items()}
            self.hub.moved |= order.get("moved", {})
            self.faults.orders += order.get("faults", [])
            return Answer(200, {"ids": ids})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_request(self) -> None:
        parts = urlsplit(self.path)
        host = f"http://{self.headers.get('Host')}"
        below = parts.path.startswith(PREFIX + "/")
        path = parts.path[len(PREFIX) :] if below else parts.path
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        request = Request(self.command, path, dict(parse_qsl(parts.query)), headers, body, host + PREFIX if below else host)
        self.deliver(self.server.control(request) if path == "/_control" else self.server.answer(request))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = handle_request

    def deliver(self, answer: Answer) -> None:
        if answer.spoiled == "reset":
            # RST instead of FIN: the client sees a lost connection, not an empty answer.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
            raise ConnectionResetError
        self.send_response(answer.status)
        headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": str(int(time.time()) + 3600)}
        headers |= {"Content-Type": "application/json; charset=utf-8"} | answer.headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) + (100 if answer.spoiled == "truncate" else 0)))
        if answer.spoiled == "truncate":
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(answer.body)

    def log_request(self, code="-", size="-") -> None:
        pass
