"""Starts the GitHub stand-in of the tests.

It prints one line when it is ready and ends when its standard input ends, so that it never outlives
the test process that started it.
"""

import argparse
import os
import signal
import sys
import threading

from server import Server


def main() -> None:
    parser = argparse.ArgumentParser(prog="GitHubEmulator", description="The GitHub stand-in of the tests.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--stay", action="store_true", help="do not end when standard input ends")
    arguments = parser.parse_args()
    server = Server(arguments.port)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    if not arguments.stay:
        threading.Thread(target=end_with_standard_input, daemon=True).start()
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever(poll_interval=3600)


def end_with_standard_input() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


main()
