"""Prints the fingerprint of each primary key in the OpenPGP file on standard input, one a line.

apt only brings a program that checks signatures, and GnuPG would stay in the image. Formats: RFC 4880.
"""

import base64
import hashlib
import re
import sys

PUBLIC_KEY = 6


def binary(data):
    """Returns the packets of a file, whether it is armored or not (section 6.2)."""
    armored = re.findall(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(.*?)-----END", data, re.DOTALL)
    if not armored:
        return data
    bodies = (re.split(rb"\r?\n[ \t]*\r?\n", b"\n" + block, maxsplit=1)[1] for block in armored)
    return b"".join(base64.b64decode(re.split(rb"\n=", body)[0]) for body in bodies)


def packets(data):
    """Returns the tag and the body of each packet (section 4.2)."""
    at = 0
    while at < len(data):
        head, at = data[at], at + 1
        if head & 0x40:
            tag, first, at = head & 0x3F, data[at], at + 1
            if first < 192:
                length = first
            elif first < 224:
                length, at = ((first - 192) << 8) + data[at] + 192, at + 1
            else:
                length, at = int.from_bytes(data[at : at + 4], "big"), at + 4
        else:
            tag, size = (head >> 2) & 0x0F, 1 << (head & 3)
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        yield tag, data[at : at + length]
        at += length


for tag, body in packets(binary(sys.stdin.buffer.read())):
    if tag == PUBLIC_KEY:
        # Section 12.2, for keys of version 4.
        print(hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper())
