"""Compiles the modules of this Python environment that have no bytecode yet, on all processors."""

import compileall
import functools
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from importlib.util import cache_from_source
from pathlib import Path

files = Path(sysconfig.get_path("purelib")).rglob("*.py")
missing = [file for file in files if not Path(cache_from_source(file)).exists()]
# Some files are templates or for another Python, and do not compile: that is no error.
with ProcessPoolExecutor() as pool:
    for _ in pool.map(functools.partial(compileall.compile_file, quiet=2), missing, chunksize=32):
        pass
