"""Runs snippets one after the other in the environment of this Python.

Reads a JSON list of pairs, a folder to import from and code, and prints one JSON object for each.
"""

import importlib
import importlib.metadata
import io
import json
import os
import runpy
import sys


def modules(name):
    """The modules of a distribution that are in no other of its packages: those of its name, or else all."""
    files = {tuple(file.parts) for file in importlib.metadata.distribution(name).files or ()}
    packages = {file[:-1] for file in files if len(file) > 1 and file[-1] == "__init__.py"}
    found = {package for package in packages if not any(package[:n] in packages for n in range(1, len(package)))}
    found |= {(file[0].split(".")[0],) for file in files if len(file) == 1 and file[0].endswith((".py", ".so"))}
    aside = {"benchmarks", "doc", "docs", "example", "examples", "scripts", "test", "tests"}
    found = sorted(".".join(parts) for parts in found if parts[0] not in aside and all(map(str.isidentifier, parts)))
    own = [module for module in found if module.lower() == name.lower().replace("-", "_")]
    return own or [module for module in found if not module.startswith("_")] or found


def load(name):
    for module in modules(name):
        importlib.import_module(module)


def run(script, *arguments):
    """Runs a Python script as a command."""
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise RuntimeError(f"exit status {end.code}") from None


def missing_modules(error):
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            yield error.name
        error = error.__cause__ or error.__context__


out = os.fdopen(os.dup(1), "w")
null = os.open(os.devnull, os.O_RDWR)
os.dup2(null, 1)
os.dup2(null, 2)
for folder, code in json.load(sys.stdin):
    answer = {}
    sys.stderr = io.StringIO()
    sys.path.insert(0, folder)
    try:
        exec(code, {"load": load, "run": run})
    except BaseException as error:
        last = sys.stderr.getvalue().strip().splitlines()[-1:]
        answer = {"error": ": ".join([type(error).__name__, str(error), *last]), "missing": [*missing_modules(error)]}
    sys.path.remove(folder)
    print(json.dumps(answer), file=out, flush=True)
os._exit(0)
