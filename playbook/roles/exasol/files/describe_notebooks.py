"""Writes README.md into the folder of notebooks that is named on the command line.

It lists the notebooks that need a distribution that is not installed. What they need is found by importing what they
import, because most of them reach torch and transformers only through the connector.
"""

import ast
import importlib
import json
import os
import re
import sys
from pathlib import Path


def code_cells(notebook):
    """Returns the Python code of the cells, without IPython's own commands."""
    for cell in json.loads(notebook.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and not source.lstrip().startswith("%%"):
            yield source


def imports(notebook):
    """Returns the modules that a notebook imports, and those of the notebooks that it runs."""
    found = set()
    for source in code_cells(notebook):
        for other in re.findall(r"^\s*%run\s+(\S+\.ipynb)", source, re.MULTILINE):
            found |= imports(notebook.parent / other)
        try:
            tree = ast.parse(re.sub(r"^(\s*)[%!?].*$", r"\1pass", source, flags=re.MULTILINE))
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module)
    return found


def missing_module(module):
    """Returns the name of the module that keeps another one from being imported, or None."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        return error.name
    except Exception as error:
        sys.exit(f"a notebook imports {module}, which fails: {error}")
    return None


def readme(folder, connector, excluded):
    notebooks = sorted(folder.rglob("*.ipynb"))
    modules = {notebook: imports(notebook) for notebook in notebooks}
    missing = {module: missing_module(module) for module in sorted(set().union(*modules.values()))}
    lines = [
        "# Notebooks of the Exasol AI Lab",
        "",
        f"They come with {connector}. Start with `main_config.ipynb`: it asks for the connection to",
        "a database, which all others use. `../06-exasol.ipynb` says how to get a database.",
    ]
    needs = {notebook: sorted({missing[name] for name in modules[notebook]} - {None}) for notebook in notebooks}
    if any(needs.values()):
        lines += ["", "## Notebooks that need more than is installed", "", "| notebook | needs |", "|---|---|"]
        lines += [f"| {note.relative_to(folder)} | {', '.join(needs[note])} |" for note in notebooks if needs[note]]
        if excluded:
            lines += ["", "These are left out of the sandbox because of their size:", ""]
            lines += [f"- {name}: {reason}" for name, reason in sorted(excluded.items())]
        lines += ["", "To add them, run `%pip install` with their names in a notebook, and restart its kernel."]
    return "\n".join(lines)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    text = readme(folder, os.environ["CONNECTOR"], json.loads(os.environ["EXCLUDED"]))
    # Not by standard output, on which some modules print something when they are imported.
    (folder / "README.md").write_text(text + "\n")
