import FoundationEssentials
import Glibc
import Sandbox
import Testing

@testable import Definition

@Suite("Every file yields a definition or a list of mistakes")
struct BrokenFilesTests {
    private static let own: String = {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return String(decoding: (try? TextFiles.disk.read("/\(root)/sandbox.yaml")) ?? [], as: UTF8.self)
    }()

    @Test func `cut off anywhere`() {
        for end in stride(from: 0, to: Self.own.utf8.count, by: 7) { check(String(Self.own.prefix(end))) }
    }

    @Test(arguments: ["\t", ":", "- ", "[", "}", "\"", "*x ", "&a ", "!!int ", "? ", "<<: ", "|", "\u{1}", "\u{2028}"])
    func `with something in between`(text: String) {
        var scalars = Array(Self.own.unicodeScalars)
        for position in stride(from: 0, to: scalars.count, by: 31) {
            scalars.insert(contentsOf: text.unicodeScalars, at: position)
            check(String(String.UnicodeScalarView(scalars)))
            scalars.removeSubrange(position..<position + text.unicodeScalars.count)
        }
    }

    @Test func `pins with the line ends of Windows`() throws {
        let text = "# head\r\ndistribution: debian\r\nsuite: bookworm\r\napt:\r\n  git: \"1\" # one\r\ngit: {}\r\n"
        let file = try PinsFile.load("p", currentDirectory: "/", files: .memory(["/p": text]))
        var new = file.pins
        new.apt["git"] = "2"
        #expect(try file.text(with: new) == text.replacing("\"1\"", with: "\"2\""))
        new.git["x"] = "1"
        new.pip = ["lab": ["six": "1"]]
        let written = try file.text(with: new)
        #expect(try PinsFile.load("p", currentDirectory: "/", files: .memory(["/p": written])).pins == new)
        #expect(written.hasSuffix("git:\r\n  x: \"1\"\r\npip:\r\n  lab:\r\n    six: \"1\"\r\n"), "\(written)")
        #expect(!written.contains("\n" as Character))
    }

    @Test func `files of this machine`() throws {
        #expect(try TextFiles.disk.read("/no/such/file") == nil)
        let pipe = "/tmp/dss-test-pipe-\(UInt32.random(in: 0 ... .max))"
        #expect(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        for path in ["/", pipe] {
            let failure = #expect(throws: Failure.self) { try TextFiles.disk.read(path) }
            #expect(failure?.code == .badData && failure?.message == "\(path) is not a regular file")
        }
    }

    private func check(_ yaml: String) {
        do {
            _ = try source(yaml, playbook: playbook).loadDefinition()
        } catch let failure as Failure {
            #expect(!failure.details.isEmpty)
            #expect(failure.details.allSatisfy { $0.hasPrefix("sandbox.yaml:") && $0.contains(": error: ") })
        } catch {
            Issue.record("\(error) for:\n\(yaml)")
        }
    }
}
