import AWSTestSupport
import Foundation
import Testing
import Workbench

@testable import dss

@Suite("The default password in a file")
struct PasswordFileTests {
    private func say(_ bytes: [UInt8], environment: [String: String] = [:]) async throws -> PretendWorld.Said {
        try await withTemporaryDirectory { folder in
            _ = try SandboxFolder(in: folder)
            try Data(bytes).write(to: URL(filePath: "\(folder)/password"))
            var world = PretendWorld(environment: environment, directory: folder)
            world.isRoot = true
            let file = environment.isEmpty ? ["--default-password-file", "\(folder)/password"] : []
            return await world.dss(["create-vm", "--provider", "aws"] + file)
        }
    }

    @Test(
        "is refused, by the name of the file, if nobody could type it",
        arguments: [
            ("twelve chars\0".utf8.map(\.self), "contains a control character"),
            ("twelve chars".utf8.map(\.self) + [0xE4], "is not UTF-8 text"),
            ([UInt8](repeating: 0x70, count: 5000), "has more than 4096 bytes"),
        ])
    func refused(bytes: [UInt8], reason: String) async throws {
        let said = try await say(bytes)
        #expect(said.code == 65 && said.errors.contains("/password \(reason)"), "\(said)")
        #expect(!said.errors.contains("twelve"))
    }

    @Test("does not contain the mark that an editor puts in front of a text")
    func mark() async throws {
        let said = try await say([0xEF, 0xBB, 0xBF] + "elevenchars\n".utf8)
        #expect(said.errors.contains("the default password has fewer than 12 characters"), "\(said)")
    }

    @Test(
        "and one in the environment has the same characters",
        arguments: [
            ("\u{FEFF}twelve chars", "begins with a byte order mark"),
            ("twelve\tchars", "contains a control character"),
            ("twelve chars\u{FFFD}", "is not UTF-8 text"),
        ])
    func environment(value: String, reason: String) async throws {
        let said = try await say([], environment: ["DSS_DEFAULT_PASSWORD": value])
        #expect(said.code == 64 && said.errors.contains("DSS_DEFAULT_PASSWORD \(reason)"), "\(said)")
    }
}
