import Foundation
import Workbench

/// Debian's docker-registry on a port of this machine, with its files in a folder of its own.
package struct Registry: Sendable {
    package var port: Int
    package var folder: String

    package static let program = "/usr/bin/docker-registry"
    package static let runner = SystemCommandRunner()

    /// - Parameter isClosed: asks for the user `pusher` with the password `right`.
    package static func with<Result: Sendable>(
        isClosed: Bool = false, _ body: (Registry) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory(in: "/var/tmp") { folder in
            let registry = Registry(port: .random(in: 20000..<30000), folder: folder)
            let hash = "$2b$04$5gE7Uu7KsWLsEuS8QisAbuIxR3sDYeAf70b0zuGiXamdg80RbU0Dq"
            try writeAtomically("pusher:\(hash)\n", to: "\(folder)/users")
            let users = "\nauth: {htpasswd: {realm: test, path: \(folder)/users}}\n"
            try writeAtomically(
                """
                version: 0.1
                log: {level: info}
                storage: {filesystem: {rootdirectory: \(folder)/data}}
                http: {addr: "127.0.0.1:\(registry.port)"}\(isClosed ? users : "\n")
                """, to: "\(folder)/registry.yml")
            return try await serving(Command(program, ["serve", "\(folder)/registry.yml"]), registry, body)
        }
    }

    /// The registry behind something that misbehaves.
    package func misbehaving<Result: Sendable>(_ fault: String, _ body: (Registry) async throws -> Result) async throws
        -> Result
    {
        let front = Registry(port: .random(in: 30000..<32000), folder: "\(folder)/front")
        try makeDirectory(front.folder)
        let script = URL(filePath: #filePath).deletingLastPathComponent().path() + "registry_front.py"
        return try await Self.serving(
            Command("python3", [script, "\(front.port)", "\(port)", fault]), front, body)
    }

    private static func serving<Result: Sendable>(
        _ command: Command, _ registry: Registry, _ body: (Registry) async throws -> Result
    ) async throws -> Result {
        let process = try await runner.start(command, log: registry.log)
        return try await finally {
            let answers = Command(
                "curl",
                [
                    "--silent", "--noproxy", "*", "--output", "/dev/null", "--retry", "50", "--retry-delay", "0",
                    "--retry-connrefused", "http://127.0.0.1:\(registry.port)/v2/",
                ])
            try await runner.run(answers)
            return try await body(registry)
        } cleanup: {
            await process.stop()
        }
    }

    package var log: String { "\(folder)/log" }
    package var host: String { "127.0.0.1:\(port)" }

    /// How many requests it has seen that send a part of a layer.
    package func uploads() throws -> Int {
        try readText(log).split(separator: "\n").count {
            $0.contains("\"PATCH /v2/") || $0.contains("\"PUT /v2/") && $0.contains("/blobs/")
        }
    }

    /// Fetches an image into an OCI layout.
    package func pull(_ reference: String, to layout: String) async throws {
        try await Self.runner.run(
            Command(
                "skopeo",
                [
                    "copy", "--quiet", "--preserve-digests", "--src-tls-verify=false", "docker://\(host)/\(reference)",
                    "oci:\(layout):pulled",
                ]))
    }

    package func tags(_ path: String) async throws -> [String] {
        let text = try await Self.runner.run(
            Command("curl", ["--silent", "--noproxy", "*", "http://\(host)/v2/\(path)/tags/list"]))
        struct Answer: Decodable { var tags: [String]? }
        return try JSONDecoder().decode(Answer.self, from: Data(text.utf8)).tags?.sorted() ?? []
    }
}
