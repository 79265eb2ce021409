"""The repositories and what can be done with them."""

import itertools
import json
import re
from typing import Any

from messages import Answer, Request, refusal

BODY_LIMIT = 125_000


class Repository:
    def __init__(self, name: str, number: int, order: dict[str, Any]) -> None:
        self.name = name
        self.number = number
        self.tokens: dict[str, str] = order.get("tokens", {})
        self.tags: list[str] = order.get("tags", [])
        self.releases: list[dict[str, Any]] = []


class Hub:
    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.moved: dict[str, str] = {}
        self.numbers = itertools.count(1000)

    def make(self, name: str, order: dict[str, Any]) -> list[int]:
        repository = self.repositories[name] = Repository(name, next(self.numbers), order)
        return [self.add(repository, release)["id"] for release in order.get("releases", [])]

    def add(self, repository: Repository, release: dict[str, Any]) -> dict[str, Any]:
        number = next(self.numbers)
        tag = release.get("tag_name", "")
        made = {
            "id": number,
            "tag_name": tag,
            "target_commitish": release.get("target_commitish", "main"),
            "name": release.get("name"),
            "body": release.get("body"),
            "draft": bool(release.get("draft")),
            "prerelease": False,
            "html_url": f"https://github.com/{repository.name}/releases/tag/{tag}",
            "upload_url": f"https://uploads.github.com/repos/{repository.name}/releases/{number}/assets{{?name,label}}",
        }
        repository.releases.insert(0, made)
        return made

    def named(self, path: str) -> str | None:
        """The repository that a path is about, by its name of today."""
        if match := re.match(r"/repos/([^/]+/[^/]+)/", path):
            return match[1]
        if match := re.match(r"/repositories/(\d+)/", path):
            return next((one.name for one in self.repositories.values() if one.number == int(match[1])), None)
        return None

    def answer(self, request: Request) -> Answer:
        if not request.headers.get("user-agent"):
            return Answer(403, raw=b"Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
        if request.headers.get("x-github-api-version", "2022-11-28") != "2022-11-28":
            return refusal(400, "Unsupported API version")
        if request.token and not any(request.token in one.tokens for one in self.repositories.values()):
            return refusal(401, "Bad credentials")
        name = self.named(request.path)
        if name in self.moved:
            new = self.repositories[self.moved[name]]
            rest = request.path.split("/", 4)[4]
            place = f"{request.base}/repositories/{new.number}/{rest}"
            return refusal(301 if request.method == "GET" else 307, "Moved Permanently", {"Location": place})
        repository = self.repositories.get(name or "")
        right = repository.tokens.get(request.token, "") if repository else ""
        scopes = {"X-OAuth-Scopes": right.partition("scopes: ")[2]} if "scopes:" in right else {}
        if repository is None or not right:
            return refusal(404, "Not Found", self.scopes(request))
        rest = request.path.split("/", 4)[4] if request.path.startswith("/repos/") else request.path.split("/", 3)[3]
        answer = self.route(repository, rest, request, right.startswith("write"))
        answer.headers |= scopes
        return answer

    def scopes(self, request: Request) -> dict[str, str]:
        rights = [one.tokens[request.token] for one in self.repositories.values() if request.token in one.tokens]
        classic = [right for right in rights if "scopes:" in right]
        return {"X-OAuth-Scopes": classic[0].partition("scopes: ")[2]} if classic else {}

    def route(self, repository: Repository, rest: str, request: Request, may_write: bool) -> Answer:
        seen = [one for one in repository.releases if may_write or not one["draft"]]
        if rest == "releases" and request.method == "GET":
            return self.page(seen, rest, request)
        if rest == "tags" and request.method == "GET":
            return self.page([{"name": tag} for tag in repository.tags], rest, request)
        if request.method in ("POST", "PATCH", "DELETE") and not may_write:
            needed = {"X-Accepted-GitHub-Permissions": "contents=write"}
            return refusal(403, "Resource not accessible by personal access token", needed)
        if rest == "releases" and request.method == "POST":
            return self.create(repository, request)
        if match := re.fullmatch(r"releases/(\d+)", rest):
            release = next((one for one in seen if one["id"] == int(match[1])), None)
            if release is None:
                return refusal(404, "Not Found")
            if request.method == "DELETE":
                repository.releases.remove(release)
                return Answer(204)
            return Answer(200, release) if request.method == "GET" else self.change(release, request)
        return refusal(404, "Not Found")

    def create(self, repository: Repository, request: Request) -> Answer:
        order = json.loads(request.body)
        if not order.get("tag_name"):
            errors = [{"resource": "Release", "code": "missing_field", "field": "tag_name"}]
            return refusal(422, "Validation Failed", errors=errors)
        return Answer(201, self.add(repository, order))

    def change(self, release: dict[str, Any], request: Request) -> Answer:
        order = json.loads(request.body)
        if len(order.get("body") or "") > BODY_LIMIT:
            errors = [{"resource": "Release", "code": "custom", "field": "body", "message": f"body is too long (maximum is {BODY_LIMIT} characters)"}]
            return refusal(422, "Validation Failed", errors=errors)
        release |= {key: value for key, value in order.items() if key in ("body", "name", "tag_name", "draft")}
        return Answer(200, release)

    def page(self, items: list[Any], rest: str, request: Request) -> Answer:
        size = min(int(request.query.get("per_page", 30)), 100)
        number = int(request.query.get("page", 1))
        last = max(1, -(-len(items) // size))
        answer = Answer(200, items[(number - 1) * size : number * size])
        links = {"prev": number - 1, "first": 1} if number > 1 else {}
        links |= {"next": number + 1, "last": last} if number < last else {}
        if links:
            address = f"{request.base}{request.path}?per_page={size}&page="
            answer.headers["Link"] = ", ".join(f'<{address}{page}>; rel="{name}"' for name, page in links.items())
        return answer
