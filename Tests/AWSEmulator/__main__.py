"""Starts the AWS emulator of the tests: moto, extended, behind a front end that checks signatures.

It prints one line when it is ready and ends when its standard input ends, so that it never outlives
the test process that started it.
"""

import argparse
import os
import signal
import sys
import threading
import warnings

from front.clock import Clock
from front.front import Front
from front.keyring import Keyring
from knobs import Knobs
from server import Server


def main() -> None:
    parser = argparse.ArgumentParser(prog="AWSEmulator", description="The AWS emulator of the tests.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--stay", action="store_true", help="do not end when standard input ends")
    parser.add_argument("--fork", action="store_true", help="start an emulator per order on standard input, see forks.py")
    arguments = parser.parse_args()

    clock = Clock()
    keyring = Keyring(clock)
    knobs = Knobs()
    Knobs.clock = clock
    # moto warns about errors that botocore's models do not list; AWS answers them all the same.
    warnings.simplefilter("ignore")
    # Importing moto takes seconds; it happens here, not at the top, so that `--help` is quick.
    from extensions import install
    from moto_application import MotoApplication

    moto = MotoApplication()
    install(moto, knobs, keyring, clock)

    def open_server() -> Server:
        server = Server(arguments.port, clock)
        server.front = Front(moto, knobs, keyring, clock)
        return server

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    if arguments.fork:
        from forks import serve_forks

        return serve_forks(open_server, serve)
    server = open_server()
    print(f"listening on {server.url}", flush=True)
    serve(server, stay=arguments.stay)


def serve(server: Server, stay: bool = False) -> None:
    if not stay:
        threading.Thread(target=end_with_standard_input, daemon=True).start()
    server.serve_forever(poll_interval=3600)


def end_with_standard_input() -> None:
    """Waits for the end of standard input; a clean shutdown would wait for open connections, so it just exits."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


main()
