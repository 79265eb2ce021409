import Sandbox
import Testing

@testable import Definition

private let text = """
    # Versions of everything.
    # Edited by dss pins update.

    distribution: debian
    suite: bookworm
    architecture: amd64
    python: "3.11"
    apt:
      curl: "7.88"   # for the installer
      # version control
      git: '1:2.39.5-0+deb12u3'
    pip:
      jupyter:
        jupyterlab: "4.4.1"
      poetry:
        poetry: 2.1.3
    pip_locked:
      jupyter:
        anyio: "4.9.0"
        idna: "3.10"
      poetry: {}
    git:
      script-languages-release: "5.0.0"

    """

private let pins = Pins(
    distribution: "debian", suite: "bookworm", architecture: .amd64, python: "3.11",
    apt: ["curl": "7.88", "git": "1:2.39.5-0+deb12u3"],
    pip: ["jupyter": ["jupyterlab": "4.4.1"], "poetry": ["poetry": "2.1.3"]],
    pipLocked: ["jupyter": ["anyio": "4.9.0", "idna": "3.10"], "poetry": [:]],
    git: ["script-languages-release": "5.0.0"])

private func load(_ text: String) throws -> PinsFile {
    try PinsFile.load("pins.yaml", currentDirectory: "/home", files: .memory(["/home/pins.yaml": text]))
}

/// Other versions, and what they do to the text.
struct Edit: Sendable {
    var before: String
    var after: String
    var change: @Sendable (inout Pins) -> Void

    init(_ before: String, _ after: String, change: @escaping @Sendable (inout Pins) -> Void) {
        (self.before, self.after, self.change) = (before, after, change)
    }
}

@Suite("Pinned versions")
struct PinsTests {
    @Test func `are read with their places`() throws {
        let file = try load(text)
        #expect(file.pins == pins)
        #expect(file.place("apt", "git") == .file("pins.yaml", line: 11, column: 8))
    }

    @Test func `nothing changed is the same text`() throws {
        #expect(try load(text).text(with: pins) == text)
    }

    @Test(arguments: [
        Edit("curl: \"7.88\"   # for", "curl: \"7.99\"   # for") { $0.apt["curl"] = "7.99" },
        Edit("git: '1:2.39.5-0+deb12u3'", "git: \"2\"") { $0.apt["git"] = "2" },
        Edit("poetry: 2.1.3", "poetry: 2.2.0") { $0.pip["poetry"]?["poetry"] = "2.2.0" },
        Edit("poetry: 2.1.3", "poetry: \"2.20\"") { $0.pip["poetry"]?["poetry"] = "2.20" },
        Edit("suite: bookworm", "suite: trixie") { $0.suite = "trixie" },
        Edit("python: \"3.11\"", "python: \"3.13\"") { $0.python = "3.13" },
        Edit("  # version", "  docker.io: \"20\"\n  # version") { $0.apt["docker.io"] = "20" },
        Edit("apt:\n", "apt:\n  aha: \"1\"\n") { $0.apt["aha"] = "1" },
        Edit("    idna: \"3.10\"\n", "") { $0.pipLocked["jupyter"]?["idna"] = nil },
        Edit("  poetry: {}\n", "  poetry:\n    x: \"1\"\n") { $0.pipLocked["poetry"] = ["x": "1"] },
        Edit("  jupyter:\n    anyio: \"4.9.0\"\n    idna: \"3.10\"\n", "  jupyter: {}\n") {
            $0.pipLocked["jupyter"] = [:]
        },
        Edit("    anyio: \"4.9.0\"\n    idna: \"3.10\"\n", "    z: \"1\"\n") {
            $0.pipLocked["jupyter"] = ["z": "1"]
        },
    ])
    func `a change changes its own lines only`(edit: Edit) throws {
        var new = pins
        edit.change(&new)
        #expect(try load(text).text(with: new) == text.replacing(edit.before, with: edit.after))
    }

    @Test(arguments: [
        text, "# head\n\n{distribution: debian, suite: bookworm, apt: {git: '1'}}\n",
        "distribution: debian\nsuite: x\n",
    ])
    func `whatever the layout, the new text says the new versions`(text: String) throws {
        var new = pins
        new.pip["extra"] = ["numpy": "2.0"]
        new.apt = ["git": "9", "zip": "1"]
        let updated = try load(text).text(with: new)
        #expect(try load(updated).pins == new)
        #expect(updated.hasPrefix("# ") == text.hasPrefix("# "))
    }

    @Test(arguments: [
        ("distribution: debian\nsuite: x\n# ours\napt: {git: '1'}\n", "4:6"),
        ("# head\n{distribution: debian, # here\n suite: x}\n", "2:1"),
        ("distribution: debian\nsuite: x\npip:\n  lab: {six: '1'}  # old\n", "4:8"),
    ])
    func `a layout that cannot be changed without losing comments is refused with its place`(
        text: String, place: String
    ) throws {
        let file = try load(text)
        var new = file.pins
        new.apt["zip"] = "1"
        new.pip = ["lab": ["numpy": "2"]]
        let failure = try #require(throws: Failure.self) { try file.text(with: new) }
        #expect(failure.code == .badData && failure.details.count == 1)
        #expect(failure.details[0].hasPrefix("pins.yaml:\(place): error: this mapping cannot be changed"), "\(failure)")
        #expect(try file.text(with: file.pins) == text)
    }

    @Test func `the first hashes are added at the end, and nothing else changes`() throws {
        var new = pins
        new.pip["poetry"] = ["poetry": "2.1.3"]
        new.pipSHA256 = ["poetry": ["poetry": String(repeating: "0a", count: 32)]]
        let hashes = "pip_sha256:\n  poetry:\n    poetry: \"\(String(repeating: "0a", count: 32))\"\n"
        #expect(try load(text).text(with: new) == text + hashes)
        #expect(try load(text + hashes).pins == new)
    }

    @Test func `a new environment changes nothing else`() throws {
        var new = pins
        new.pip["lab"] = ["numpy": "2.0", "pandas": "3.0"]
        new.pipLocked["lab"] = ["six": "1.17"]
        let expected = text.replacing(
            "    poetry: 2.1.3\n", with: "    poetry: 2.1.3\n  lab:\n    numpy: \"2.0\"\n    pandas: \"3.0\"\n"
        ).replacing("  poetry: {}\n", with: "  poetry: {}\n  lab:\n    six: \"1.17\"\n")
        #expect(try load(text).text(with: new) == expected)
        #expect(try load(expected).pins == new)
    }

    @Test func `the first environment changes nothing else`() throws {
        var new = pins
        new.pip = ["lab": ["numpy": "2.0"]]
        new.pipLocked = [:]
        let before = "# head\n" + text.split(separator: "pip:", maxSplits: 1)[0] + "pip: {}  # none\n"
        let expected = before.replacing("pip: {}  # none\n", with: "pip:  # none\n  lab:\n    numpy: \"2.0\"\n")
        new.git = [:]
        #expect(try load(before).text(with: new) == expected)
    }

    @Test func `a name is normalized before it is compared`() throws {
        let hash = String(repeating: "0a", count: 32)
        let file = try load(
            text.replacing("poetry: 2.1.3", with: "Zope.Interface: 2.1.3") + """
                pip_sha256:
                  poetry: {zope-interface: "\(hash)"}

                """)
        #expect(file.pins.versions(of: "poetry") == ["zope-interface": "2.1.3"])
    }

    @Test func `hashes, exclusions and environments on top of others survive an update`() throws {
        var new = pins
        new.pip["exasol"] = ["pyexasol[pandas,polars]": "1.0"]
        new.pipLocked["exasol"] = ["websocket-client": "1.8"]
        new.pipExtends = ["exasol": "jupyter"]
        new.pipExcluded = ["exasol": ["torch": "2 GB of CUDA: not for everybody"]]
        new.pipSource = ["websocket-client": "has no wheel"]
        let other = String(repeating: "0c", count: 32)
        new.pipSHA256 = ["exasol": ["pyexasol": String(repeating: "0a", count: 32), "websocket-client": other]]
        // Sections that only people write are added by writing the file anew, which would lose these comments.
        let plain = text.replacing("   # for the installer", with: "").replacing("  # version control\n", with: "")
        let first = try load(plain).text(with: new)
        #expect(try load(first).pins == new)
        #expect(new.versions(of: "exasol") == ["pyexasol": "1.0", "websocket-client": "1.8"])
        new.pipSHA256["exasol"]?["pyexasol"] = String(repeating: "0b", count: 32)
        #expect(try load(first).text(with: new) == first.replacing("0a", with: "0b"))
    }

    @Test(arguments: [
        ("suite: x\n", "1:1: error: the key 'distribution' is missing, for example distribution: debian"),
        (
            "distribution: debian\nsuite: x\npython: 3.10\n",
            "3:9: error: 'python' must be a string, found the number 3.10, which YAML may round, put it in quotes: \"3.10\""
        ),
        ("distribution: debian\nsuite: x\nppi: {}\n", "3:1: error: unknown key 'ppi', did you mean 'pip'?"),
        (
            "distribution: debian\nsuite: x\napt: {git: 1.10}\n",
            "3:12: error: 'apt.git' must be a string, found the number 1.10, which YAML may round, put it in quotes: \"1.10\""
        ),
        (
            "distribution: debian\nsuite: x\napt: [git]\n",
            "3:6: error: 'apt' must be a mapping, found a list, for example {git: \"1:2.39.5-0+deb12u3\"}"
        ),
        (
            "distribution: debian\nsuite: x\napt: {git: }\n",
            "3:12: error: 'apt.git' must be a version, found nothing, for example git: \"1:2.39.5-0+deb12u3\""
        ),
        (
            "distribution: debian\nsuite: x\napt: {git: '>=2'}\n",
            "3:12: error: '>=2' is not a valid Debian package version, for example git: \"1:2.39.5-0+deb12u3\""
        ),
        (
            "distribution: debian\nsuite: x\npip: {a: {b: '1'}}\npip_locked: {a: {b: '1'}}\n",
            "4:18: error: 'b' is in both 'pip' and 'pip_locked', keep it in 'pip'"
        ),
        (
            "distribution: debian\nsuite: x\npip: {jupyter: {}}\npip_locked: {jupiter: {}}\n",
            "4:14: error: 'pip' has no environment 'jupiter', did you mean 'jupyter'?"
        ),
        (
            "distribution: debian\nsuite: x\npip: {a: {}, bcd: {'c[d': '1'}}\n",
            "3:20: error: 'c[d' is not a valid Python package name, for example jupyterlab: \"4.4.1\""
        ),
        (
            "distribution: debian\nsuite: x\npip: {a: {'b[c,d]': '1'}}\npip_locked: {a: {b: '1'}}\n",
            "4:18: error: 'b' is in both 'pip' and 'pip_locked', keep it in 'pip'"
        ),
        (
            "distribution: debian\nsuite: x\npip: {a: {Foo_Bar: '1'}}\npip_locked: {a: {foo-bar: '1'}}\n",
            "4:18: error: 'foo-bar' is in both 'pip' and 'pip_locked', keep it in 'pip'"
        ),
        (
            "distribution: debian\nsuite: x\npip: {a: {idna: '1'}}\npip_excluded: {a: {Idna: unused}}\n",
            "4:20: error: 'Idna' is excluded, but has a version as well, run 'dss pins update', or remove this line"
        ),
        (
            "distribution: debian\nsuite: x\npip: {a: {}}\npip_extends: {a: b}\n",
            "4:18: error: 'pip' has no environment 'b', did you mean 'a'?"
        ),
        (
            "distribution: debian\nsuite: x\npip: {a: {}, b: {}, c: {}}\npip_extends: {b: a, c: b}\n",
            "4:24: error: 'b' extends another environment itself, extend 'a'"
        ),
        (
            "distribution: debian\nsuite: x\npip: {a: {'torch[x]': '1'}}\npip_excluded: {a: {torch: too large}}\n",
            "4:20: error: 'torch' is excluded, but has a version as well, run 'dss pins update', or remove this line"
        ),
        (
            "distribution: debian\nsuite: x\npip: {a: {b: '1'}}\npip_sha256: {a: {b: 12ab}}\n",
            "4:21: error: '12ab' is not a valid Python package SHA-256, for example jupyterlab: "
                + "\"0000000000000000000000000000000000000000000000000000000000000000\""
        ),
    ])
    func `mistakes`(text: String, mistake: String) throws {
        let failure = try #require(throws: Failure.self) { try load(text) }
        #expect(failure.details == ["pins.yaml:\(mistake)"])
    }

    @Test func `must be for the release of the definition`() throws {
        #expect(try source(minimal, pins: text).loadSandbox().pins.pins == pins)
        let other = source(minimal + "base: {suite: trixie}\n", pins: text)
        let failure = try #require(throws: Failure.self) { try other.loadSandbox() }
        #expect(failure.details.count == 1)
        #expect(
            failure.details[0].hasPrefix(
                "pins.yaml:5:8: error: the pins are for bookworm, but base.suite is trixie (sandbox.yaml:3:15)"))
    }

    @Test func `must be for the architecture of the definition`() throws {
        let other = source(minimal + "base: {architecture: arm64}\nformats: [raw]\n", pins: text)
        let failure = try #require(throws: Failure.self) { try other.loadSandbox() }
        #expect(failure.details.map { $0.prefix(47) } == ["pins.yaml:6:15: error: the pins are for amd64, "])
    }

    @Test func `mistakes in definition and pins come together`() throws {
        let both = source(minimal + "ports: {jupyter: 0}\n", pins: "distribution: debian\nsuite: bookworm\nx: 1\n")
        let failure = try #require(throws: Failure.self) { try both.loadSandbox() }
        #expect(failure.message == "sandbox.yaml and pins.yaml have 2 errors")
    }

    @Test func `a missing pins file is named`() throws {
        let failure = try #require(throws: Failure.self) { try source(minimal).loadSandbox() }
        #expect(failure.details.first?.contains("file 'pins.yaml' not found") == true)
    }
}
