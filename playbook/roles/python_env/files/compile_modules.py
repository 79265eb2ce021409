"""Compiles the modules of this Python environment that have no valid bytecode yet, on all processors.

Compiling takes longer than everything else in an installation, and environments have many modules in common: for
those, the bytecode of another environment is taken. The directory on the command line has the records of all.
"""

import compileall
import filecmp
import json
import os
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path

# PEP 552: the magic number, flags, and the time and size of the source, or its hash.
HEADER = 16
HASHED = (3).to_bytes(4, "little")


def header(file):
    """Returns the header of bytecode that is valid; py_compile prefers the hash in a build that sets a source date."""
    if os.environ.get("SOURCE_DATE_EPOCH"):
        return MAGIC_NUMBER + HASHED + source_hash(file.read_bytes())
    stat = file.stat()
    return MAGIC_NUMBER + bytes(4) + b"".join(
        (int(number) & 0xFFFFFFFF).to_bytes(4, "little") for number in (stat.st_mtime, stat.st_size)
    )


def is_valid(bytecode, head):
    try:
        with bytecode.open("rb") as opened:
            return opened.read(HEADER) == head
    except FileNotFoundError:
        return False


def compile_module(file):
    head, bytecode = header(file), Path(cache_from_source(file))
    if is_valid(bytecode, head):
        return
    for folder in others:
        other = folder / file.relative_to(own)
        if other.is_file() and filecmp.cmp(file, other, shallow=False):
            ready = Path(cache_from_source(other))
            if is_valid(ready, header(other)):
                bytecode.parent.mkdir(exist_ok=True)
                bytecode.write_bytes(head + ready.read_bytes()[HEADER:])
                return
    # Some files are templates or for another Python, and do not compile: that is no error.
    compileall.compile_file(file, quiet=2, force=True)


own = Path(sysconfig.get_path("purelib"))
roots = {Path(json.loads(record.read_text())["path"]) for record in Path(sys.argv[1]).glob("*.json")}
# What another user may write is not trusted.
others = [
    root / own.relative_to(sys.prefix)
    for root in sorted(roots - {Path(sys.prefix)})
    if root.is_dir() and root.stat().st_uid in (0, os.getuid())
]
with ProcessPoolExecutor() as pool:
    for _ in pool.map(compile_module, own.rglob("*.py"), chunksize=32):
        pass
