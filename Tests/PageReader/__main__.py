"""Reads HTML pages as a browser and a screen reader would, for the tests: a line with a path in, a line of JSON out."""

import json
import re
import sys
from html.parser import HTMLParser
from typing import Any

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LANDMARKS = {"header", "nav", "main", "footer"}


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.mistakes: list[str] = []
        self.ids: list[str] = []
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.landmarks: list[str] = []
        self.headings: list[list[Any]] = []
        self.links: list[dict[str, Any]] = []
        self.tables: list[dict[str, Any]] = []
        self.commands: list[str] = []
        self.style = ""
        self.text = ""
        self.lang = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if len(values) != len(attrs):
            self.mistakes.append(f"{tag} has an attribute twice")
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "html":
            self.lang = values.get("lang")
        if tag in LANDMARKS:
            self.landmarks.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append([int(tag[1]), ""])
        if tag == "a":
            self.links.append({"href": values.get("href"), "text": "", "download": "download" in values})
        if tag == "table":
            self.tables.append({"caption": None, "rows": [], "scopes": []})
        if tag == "caption":
            self.tables[-1]["caption"] = ""
        if tag == "tr":
            self.tables[-1]["rows"].append([])
        if tag in ("td", "th"):
            self.tables[-1]["rows"][-1].append("")
        if tag == "th":
            self.tables[-1]["scopes"].append(values.get("scope"))
        if tag == "pre":
            self.commands.append("")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.mistakes.append(f"</{tag}> closes {self.open[-1:]} at {self.getpos()}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        inside = set(self.open)
        if "style" in inside:
            self.style += data
            return
        self.text += data
        if any(re.fullmatch("h[1-6]", tag) for tag in inside):
            self.headings[-1][1] += data
        if "a" in inside:
            self.links[-1]["text"] += data
        if "caption" in inside:
            self.tables[-1]["caption"] += data
        if inside & {"td", "th"}:
            self.tables[-1]["rows"][-1][-1] += data
        if "pre" in inside:
            self.commands[-1] += data


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def contrasts(style: str) -> list[float]:
    """Of every ink on every paper, in the light scheme and in the dark one."""
    found = []
    for block in re.findall(r":root\s*\{([^}]*--paper[^}]*)\}", style):
        colours = dict(re.findall(r"--(\w+):\s*(#[0-9a-fA-F]{6})", block))
        papers = [colours["paper"], colours["panel"]]
        inks = [colours[name] for name in ("ink", "soft", "link", "note")]
        found.append(round(min(contrast(ink, paper) for ink in inks for paper in papers), 2))
    return found


def read(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        source = file.read()
    page = Page()
    page.feed(source)
    page.close()
    addresses = [value for _, name, value in page.attributes if name in ("href", "src", "srcset", "action", "poster")]
    return {
        "lang": page.lang,
        "mistakes": page.mistakes + [f"{tag} is not closed" for tag in page.open],
        "ids": page.ids,
        "elements": sorted(set(page.elements)),
        "landmarks": page.landmarks,
        "headings": page.headings,
        "links": page.links,
        "tables": page.tables,
        "commands": page.commands,
        "addresses": addresses,
        "handlers": [name for _, name, _ in page.attributes if name.startswith("on")],
        "fetched": re.findall(r"url\(|@import", page.style),
        "contrasts": contrasts(page.style),
        "text": page.text,
    }


for line in sys.stdin:
    print(json.dumps(read(line.rstrip("\n"))), flush=True)
