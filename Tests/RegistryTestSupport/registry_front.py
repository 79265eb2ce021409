#!/usr/bin/env python3
"""Stands in front of a registry and misbehaves.

quota: takes no upload, as a registry whose user has no room left.
dies:  ends at once when the first manifest arrives, after all layers.
Usage: registry_front.py PORT TARGET-PORT quota|dies
"""
import http.client
import http.server
import os
import sys

PORT, TARGET, FAULT = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        if FAULT == "dies" and self.command == "PUT" and "/manifests/" in self.path:
            os._exit(0)
        body = self.body()
        if FAULT == "quota" and self.command == "POST" and "/uploads/" in self.path:
            return self.answer(403, {}, b'{"errors":[{"code":"DENIED","message":"quota of this project is used up"}]}')
        upstream = http.client.HTTPConnection("127.0.0.1", TARGET)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "transfer-encoding"}
        headers["Content-Length"] = str(len(body))
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in ("content-length", "transfer-encoding")]
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.answer(answer.status, dict(kept), data, length)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, status, headers, data, length=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = forward

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Front).serve_forever()
