import Foundation
import Testing

/// The rules of the house that a compiler does not check.
@Suite("House rules")
struct HouseRulesTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let standard: Set<String> = ["Dispatch", "FoundationEssentials", "Glibc", "Synchronization", "Swift"]

    /// Room → modules it may import, from the table in docs/design.md.
    static let table: [String: Set<String>] = {
        let text = (try? String(contentsOf: root.appending(path: "docs/design.md"), encoding: .utf8)) ?? ""
        let rows = text.matches(of: /(?m)^\| `(\w+)` \|[^|]+\| ([^|]+) \|$/)
        return Dictionary(
            uniqueKeysWithValues: rows.map { row in
                let names = row.output.2.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
                return (String(row.output.1), Set(names.filter { $0 != "—" }))
            })
    }()

    /// The folder of each room below `Sources`; those of the AWS client share one.
    static let folders: [String: String] = {
        let manager = FileManager.default
        func children(_ folder: String) -> [String] {
            (try? manager.contentsOfDirectory(atPath: root.appending(path: folder).path())) ?? []
        }
        let rooms = children("Sources").filter { $0 != "AWS" }.map { ($0, "Sources/\($0)") }
        let client = children("Sources/AWS").filter { !$0.contains(".") }.map { ($0, "Sources/AWS/\($0)") }
        return Dictionary(uniqueKeysWithValues: rooms + client)
    }()

    static func files(in folder: String) -> [URL] {
        let all = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
        return (all?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "swift" }
    }

    @Test("every room is in the table")
    func rooms() throws {
        #expect(Set(Self.folders.keys) == Set(Self.table.keys))
    }

    @Test("a room imports only what the table allows", arguments: table.keys.sorted())
    func imports(of room: String) throws {
        let files = Self.files(in: try #require(Self.folders[room]))
        #expect(!files.isEmpty)
        for file in files {
            let text = try String(contentsOf: file, encoding: .utf8)
            let imported = text.matches(
                of: /(?m)^(?:@\w+ )?(?:package |public |internal )?import (?:struct |func |enum )?(\w+)/
            )
            .map { String($0.output.1) }
            let forbidden = Set(imported).subtracting(Self.table[room]!).subtracting(Self.standard)
            #expect(forbidden.isEmpty, "\(file.lastPathComponent) imports \(forbidden.sorted())")
        }
    }

    @Test("the diagram shows what the table allows, and follows from no more than that")
    func diagram() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/design.md"), encoding: .utf8)
        var arrows: [String: Set<String>] = [:]
        for line in text.matches(of: /(?m)^ +(\w+) --> ([\w &]+)$/) {
            let targets = line.output.2.split(separator: " & ").map(String.init)
            arrows[String(line.output.1), default: []].formUnion(targets)
        }
        func reachable(from room: String) -> Set<String> {
            (arrows[room] ?? []).reduce(into: []) { $0.formUnion(reachable(from: $1).union([$1])) }
        }
        for (room, allowed) in Self.table {
            let rooms = allowed.intersection(Self.table.keys)
            #expect((arrows[room] ?? []).isSubset(of: rooms), "an arrow from \(room) is not in the table")
            #expect(rooms.isSubset(of: reachable(from: room)), "an import of \(room) has no arrow")
        }
    }

    @Test("files are short enough to read in one go")
    func lengths() throws {
        for file in Self.files(in: "Sources") {
            let lines = try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 500, "\(file.lastPathComponent) has \(lines.count) lines")
        }
    }

    @Test("no leftovers of work in progress", arguments: ["TODO", "FIXME", "XXX:"])
    func leftovers(_ word: String) throws {
        for file in Self.files(in: "Sources") + Self.files(in: "Tests") where !file.path().contains("HouseRules") {
            #expect(try !String(contentsOf: file, encoding: .utf8).contains(word), "\(file.lastPathComponent)")
        }
    }

    @Test("the packages that `dss doctor` names are the ones that `make` installs")
    func packages() throws {
        let listed = try String(contentsOf: Self.root.appending(path: "tools/packages.txt"), encoding: .utf8)
            .split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
        let tools = try String(
            contentsOf: Self.root.appending(path: "Sources/dss/Inspect/Doctor.swift"), encoding: .utf8)
        let named = Set(tools.matches(of: /package: "([^"]+)"/).map { String($0.output.1) })
        #expect(!named.isEmpty)
        #expect(
            named.subtracting(listed) == ["ansible-core", "apt"], "ansible-core comes from .venv, apt is always there")
    }

    @Test("a guide that begins with make has the clone before it", arguments: ["README.md", "docs/user-guide.md"])
    func cloneFirst(name: String) throws {
        let text = try String(contentsOf: Self.root.appending(path: name), encoding: .utf8)
        let blocks = text.matches(of: /(?s)\n```\n(.*?)\n```/).map { String($0.output.1) }
        let starts = blocks.filter { $0.contains(/(?m)^make (vm|build)\b/) }
        #expect(!starts.isEmpty)
        for block in starts {
            #expect(block.hasPrefix("git clone https://github.com/exasol/data-science-sandbox.git\ncd "), "\(block)")
        }
    }

    @Test("scripts drop the variable with which cd goes to another folder than the one they are in")
    func scripts() throws {
        let folder = Self.root.appending(path: "tools")
        let scripts = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "sh" }
        #expect(!scripts.isEmpty)
        for script in scripts {
            let lines = try String(contentsOf: script, encoding: .utf8).split(separator: "\n")
            let unset = lines.firstIndex { $0.hasPrefix("unset CDPATH") } ?? lines.endIndex
            let cd = lines.firstIndex { $0.hasPrefix("cd ") } ?? lines.endIndex
            #expect(unset <= cd, "\(script.lastPathComponent)")
        }
    }

    @Test("each name in the list of slow tests is that of a suite or a test")
    func slowTests() throws {
        let list = try String(contentsOf: Self.root.appending(path: "tools/slow-tests.txt"), encoding: .utf8)
        let names = list.matches(of: /(?m)^(\w+)/).map { String($0.output.1) }
        let sources = try Self.files(in: "Tests").map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        #expect(!names.isEmpty)
        for name in names {
            #expect(sources.contains("struct \(name) {") || sources.contains("func \(name)("), "\(name)")
        }
    }
}
