import AWSProvider
import AWSTestSupport
import ArgumentParser
import DiskImages
import Foundation
import Sandbox
import Testing
import Workbench

@testable import dss

/// Whoever pastes a command that this program printed gets what the message promises.
@Suite("Printed commands")
struct HintTests {
    /// A command in a message of the sources, with sample values in place of what the program inserts.
    struct Printed: CustomStringConvertible {
        var place: String
        var line: String

        var description: String { "\(place): \(line)" }
    }

    static let printed: [Printed] = {
        let root = PythonProcess.root.appending(path: "Sources")
        let files =
            FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.allObjects as? [URL] ?? []
        return files.filter { $0.pathExtension == "swift" }.flatMap { file in
            let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
                index, line in
                command(in: String(line)).map { Printed(place: "\(file.lastPathComponent):\(index + 1)", line: $0) }
            }
        }
    }()

    /// The command in a line of the sources that contains the string literal from its beginning; `nil` for comments, and
    /// for the help, which has tests of its own.
    private static func command(in line: String) -> String? {
        guard !line.trimmingCharacters(in: .whitespaces).hasPrefix("//"),
            let match = line.firstMatch(of: /(^|[\s'"`(])((?:sudo )?dss (--help|[a-z0-9-]+).*)/),
            line[..<match.range.lowerBound].contains("\"") || match.output.1 == "\"",
            match.output.3 == "--help" || Dss.subcommand(match.output.3) != nil
        else { return nil }
        let end: Character = ["'": "'", "`": "`", "(": ")"][String(match.output.1)] ?? "\""
        // In a sentence, a command without quotes ends before the next clause.
        let clauses = filled(String(match.output.2)).prefix { $0 != end }.split(separator: /[,;]\s/)
        return clauses.first.map(String.init)
    }

    /// The text with a sample value for each interpolation.
    private static func filled(_ text: String) -> String {
        var (result, rest) = ("", text[...])
        while let start = rest.firstRange(of: "\\(") {
            result += rest[..<start.lowerBound]
            var (depth, end) = (1, start.upperBound)
            while depth > 0, end < rest.endIndex {
                depth += rest[end] == "(" ? 1 : rest[end] == ")" ? -1 : 0
                end = rest.index(after: end)
            }
            let samples = [" --region ": "eu-central-1", " --format ": "vhd"]
            let sample = samples.first { result.hasSuffix($0.key) }?.value ?? "1"
            result += rest[start.upperBound..<end].contains("imageID") ? "ami-0123456789abcdef0" : sample
            rest = rest[end...]
        }
        return result + rest
    }

    private func parsed(_ line: String) throws -> any ParsableCommand {
        // As a shell splits them, with blanks in quotes.
        let words = line.matches(of: /(?:[^\s'"]|'[^']*'|"[^"]*")+/).map { $0.output.filter { !"'\"".contains($0) } }
        return try Dss.parseAsRoot(Array(words.map { String($0) }.drop { $0 != "dss" }.dropFirst()))
    }

    @Test("a command in a message parses, and has sudo exactly if it requires root")
    func messages() throws {
        #expect(Self.printed.count > 20)
        for printed in Self.printed {
            let command = try? parsed(printed.line)
            #expect(command != nil, "\(printed)")
            let needsRoot = (command as? any DssCommand)?.needsRoot ?? false
            #expect(needsRoot == printed.line.hasPrefix("sudo "), "\(printed)")
        }
    }

    @Test("a command in a guide parses, and has sudo if it requires root", arguments: ["user-guide.md", "aws.md"])
    func guides(name: String) throws {
        let text = try String(contentsOf: PythonProcess.root.appending(path: "docs/\(name)"), encoding: .utf8)
        var isCode = false
        var lines: [String] = []
        for line in text.replacing("\\\n", with: " ").split(separator: "\n") {
            if line.hasPrefix("```") { isCode.toggle() }
            guard isCode, let command = line.prefixMatch(of: /(?:sudo )?dss [^#>]*/) else { continue }
            lines.append(String(command.output))
        }
        #expect(lines.count > 10)
        for line in lines where !line.contains("$(") {
            let command = try? parsed(line)
            #expect(command != nil, "\(line)")
            let needsRoot = (command as? any DssCommand)?.needsRoot ?? false
            #expect(!needsRoot || line.hasPrefix("sudo "), "\(line)")
        }
    }

    @Test("the commands that deploy stacks, which messages name, need no arguments", arguments: PermanentStack.allCases)
    func stacks(stack: PermanentStack) throws {
        #expect(try parsed("dss \(stack.command)") is any DssCommand)
    }

    @Test(
        "an example in the help parses, and has sudo exactly if it requires root",
        arguments: Self.examples(of: Dss.self))
    func help(line: String) throws {
        let needsRoot = (try parsed(line) as? any DssCommand)?.needsRoot ?? false
        #expect(needsRoot == line.hasPrefix("sudo "), "\(line)")
    }

    /// The examples of all commands as one line each, without what a shell does with their output.
    private static func examples(of command: any ParsableCommand.Type) -> [String] {
        let lines = command.configuration.discussion.replacing("\\\n", with: "").split(separator: "\n")
        let own = lines.compactMap { $0.firstMatch(of: /^  +(?:[A-Z_]+=\S+ )?((?:sudo (?:-E )?)?dss [^>|&]*)/) }
        return own.map { String($0.output.1) } + command.configuration.subcommands.flatMap(examples)
    }

    @Test(
        "a command is spelled as the user called the program",
        arguments: [
            (Invocation(program: "dss"), "sudo dss create-vm", "sudo dss create-vm"),
            (Invocation(program: ".build/debug/dss"), "run 'dss pins update'", "run '.build/debug/dss pins update'"),
            (
                Invocation(program: "/opt/my tools/dss"), "see: dss doctor",
                "see: '/opt/my tools/dss' doctor"
            ),
            (
                Invocation(program: "./dss", sudo: ""), "sudo dss delete-assets --asset-id 1",
                "./dss delete-assets --asset-id 1"
            ),
            (Invocation(program: "./dss", sudo: "sudo -E "), "x: sudo dss prune-cache", "x: sudo -E ./dss prune-cache"),
            (Invocation(sudo: ""), "remove it with: sudo umount /x", "remove it with: umount /x"),
            (Invocation(sudo: ""), "member of sudo and docker", "member of sudo and docker"),
            (
                Invocation(program: "./dss"), "to list the commands, run: dss --help",
                "to list the commands, run: ./dss --help"
            ),
            (
                Invocation(program: "./dss"), "a file that dss did not create; /usr/bin/dss run",
                "a file that dss did not create; /usr/bin/dss run"
            ),
            (
                Invocation(program: "./dss"), "to run it again: apt -o a=http://me:secret@proxy:1 && dss doctor",
                "to run it again: apt -o a=http://•••@proxy:1 && ./dss doctor"
            ),
        ])
    func spelling(invocation: Invocation, text: String, spelled: String) {
        #expect(invocation.spelled(text) == spelled)
        #expect(invocation.spelled(spelled) == spelled)
    }

    @Test(
        "a command keeps what the typed one is about, if it has that option",
        arguments: [
            ("add it: dss pins add apt jq", "add it: dss pins add --definition 'my lab.yaml' --set name=x apt jq"),
            ("run 'dss pins update', or not", "run 'dss pins update --definition 'my lab.yaml' --set name=x', or not"),
            (
                "sudo dss shell 1",
                "sudo dss shell --definition 'my lab.yaml' --set name=x --state=s 1"
            ),
            (
                "dss verify-ami --asset-id 1",
                "dss verify-ami --definition 'my lab.yaml' --set name=x --aws-profile p --asset-id 1"
            ),
            ("sudo dss shell --definition o.yaml 1", "sudo dss shell --set name=x --state=s --definition o.yaml 1"),
            ("see: dss whoami", "see: dss whoami --aws-profile p"), ("see: dss pins --help", "see: dss pins --help"),
        ])
    func carried(text: String, spelled: String) {
        let invocation = Invocation(arguments: [
            "create-vm", "--definition", "my lab.yaml", "--set", "name=x", "--state=s", "--aws-profile", "p", "--json",
            "--yes",
        ])
        #expect(invocation.spelled(text) == spelled)
        #expect(invocation.spelled(spelled) == spelled)
    }

    @Test("a path is kept, a name in PATH stays a name, and anything else becomes the path of the program")
    func program() async throws {
        try await withTemporaryDirectory { folder in
            try writeAtomically("", to: "\(folder)/dss", mode: 0o755)
            func called(_ name: String, path: String) -> String {
                Invocation([name, "run"], executable: "/opt/dss", isRoot: false, environment: ["PATH": path]).program
            }
            #expect(called(".build/debug/dss", path: "") == ".build/debug/dss")
            #expect(called("dss", path: "/nonexistent:\(folder)") == "dss")
            #expect(called("dss", path: "/nonexistent") == "/opt/dss")
            #expect(called("", path: folder) == "/opt/dss")
        }
    }

    @Test(
        "sudo is missing only in a shell of root, and keeps the directories that the environment names",
        arguments: [
            (true, [:], ""), (true, ["SUDO_UID": "0"], ""), (true, ["SUDO_UID": "1000"], "sudo "),
            (false, [:], "sudo "), (false, ["DSS_BUCKET": "b"], "sudo -E "), (true, ["DSS_BUCKET": "b"], ""),
        ] as [(Bool, [String: String], String)])
    func sudo(isRoot: Bool, environment: [String: String], sudo: String) {
        let invocation = Invocation(["./dss"], executable: "", isRoot: isRoot, environment: environment)
        #expect(invocation.sudo == sudo)
    }

    @Test("a command that requires root prints its own command line with sudo")
    func needsRoot() async {
        var world = PretendWorld()
        world.program = ".build/debug/dss"
        let said = await world.dss("create-vm", "--set", "name=a b", "--json")
        #expect(said.code == 77)
        #expect(said.json["advice"] as? String == "sudo .build/debug/dss create-vm --set 'name=a b' --json")
        #expect(said.json["message"] as? String == "'create-vm' must run as root")
        #expect(await world.dss("create-vm", "--plan", "--cache", "/nonexistent").code != 77)
    }
}
