import FoundationEssentials
import Sandbox
import Workbench

/// Queries apt and pip for the available versions in the distribution of the sandbox, without root privileges and
/// without changing the packages installed on this machine.
package struct PackageIndex: Sendable {
    private let runner: any CommandRunner
    private let directory: String
    private let architecture: Architecture
    /// Path of a Python interpreter with pip.
    private let python: String

    /// Calls `body` with an index that was just downloaded to a temporary directory.
    /// - Parameter sources: The apt sources of the base system, in deb822 format.
    /// - Throws: `Failure` with code `.unavailable` if the index cannot be downloaded.
    package static func with<Result>(
        sources: String, architecture: Architecture, python: String, runner: any CommandRunner,
        _ body: (PackageIndex) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { directory in
            for path in ["state/lists/partial", "cache/archives/partial", "etc"] {
                try makeDirectory("\(directory)/\(path)")
            }
            try writeAtomically(sources, to: "\(directory)/index.sources")
            let index = PackageIndex(
                runner: runner, directory: directory, architecture: architecture, python: python)
            let update = try await runner.execute(index.apt("apt-get", ["--error-on=any", "update"]))
            try Task.checkCancellation()
            guard update.status.isSuccess else {
                let lines = update.standardError.split(separator: "\n").suffix(8).map(String.init)
                throw Failure(.unavailable, "failed to download the package index", details: lines)
            }
            return try await body(index)
        }
    }

    /// Versions of Debian packages, newest first; packages that do not exist are omitted.
    package func aptVersions(of packages: [String]) async throws -> [String: [String]] {
        guard !packages.isEmpty else { return [:] }
        let table = try await runner.run(apt("apt-cache", ["madison"] + packages.sorted()))
        return Self.versions(inMadison: table)
    }

    /// Parses the table `package | version | source` of `apt-cache madison`.
    static func versions(inMadison table: String) -> [String: [String]] {
        var versions: [String: [String]] = [:]
        for line in table.split(separator: "\n") {
            let columns = line.split(separator: "|").map { String($0).trimmedLine }
            guard columns.count >= 2, versions[columns[0]]?.contains(columns[1]) != true else { continue }
            versions[columns[0], default: []].append(columns[1])
        }
        return versions
    }

    /// The versions of a Python package in the index, newest first; empty if there are none.
    package func newestPython(_ package: String) async throws -> [String] {
        let output = try await runner.execute(pip(["index", "versions", package]))
        guard output.status.isSuccess else { return [] }
        let prefix = "Available versions: "
        guard let line = output.standardOutput.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) else {
            return []
        }
        return line.dropFirst(prefix.count).split(separator: ",").map { String($0).trimmedLine }
    }

    /// The packages that pip would install for requirements on the sandbox's Python, including dependencies if
    /// `withDependencies` is set.
    /// - Returns: Package → version; `nil` if the requirements cannot be met.
    package func resolve(
        _ requirements: [String], pythonVersion: String, withDependencies: Bool
    ) async throws -> [String: String]? {
        guard !requirements.isEmpty else { return [:] }
        let report = "\(directory)/report.\(requirements.joined().hashValue).json"
        var arguments = [
            "install", "--quiet", "--dry-run", "--ignore-installed", "--report", report,
            "--only-binary=:all:", "--target", "\(directory)/target", "--python-version", pythonVersion,
        ]
        if !withDependencies { arguments.append("--no-deps") }
        let output = try await runner.execute(pip(arguments + requirements))
        try Task.checkCancellation()
        guard output.status.isSuccess else { return nil }
        return try Self.versions(inReport: Data(readText(report).utf8))
    }

    static func versions(inReport json: Data) throws -> [String: String] {
        struct Report: Decodable {
            struct Item: Decodable { var metadata: Metadata }
            struct Metadata: Decodable { var name, version: String }
            var install: [Item]
        }
        let items = try JSONDecoder().decode(Report.self, from: json).install.map(\.metadata)
        return Dictionary(items.map { (normalized($0.name), $0.version) }) { first, _ in first }
    }

    /// The normalized name of a project: lowercase, with each run of `-`, `_` and `.` replaced by one dash (PEP 503).
    static func normalized(_ name: String) -> String {
        name.lowercased().replacing(/[-_.]+/, with: "-")
    }

    /// The tags of a Git repository, or `nil` if it cannot be reached.
    package func tags(of repository: String) async throws -> [String]? {
        let command = Command(
            "timeout", ["20", "git", "ls-remote", "--tags", "--refs", "--sort=-v:refname", repository],
            environment: ["GIT_TERMINAL_PROMPT": "0"])
        let output = try await runner.execute(command)
        guard output.status.isSuccess else { return nil }
        return output.standardOutput.split(separator: "\n").compactMap { line in
            line.split(separator: "\t").last.map { String($0.dropFirst("refs/tags/".count)) }
        }
    }

    private func pip(_ arguments: [String]) -> Command {
        Command(python, ["-m", "pip", "--disable-pip-version-check", "--no-input"] + arguments)
    }

    private func apt(_ program: String, _ arguments: [String]) -> Command {
        let settings = [
            "Dir::State=\(directory)/state", "Dir::Cache=\(directory)/cache", "Dir::State::status=/dev/null",
            "Dir::Etc::sourcelist=\(directory)/index.sources", "Dir::Etc::sourceparts=/dev/null",
            "APT::Architecture=\(architecture.rawValue)", "APT::Architectures=\(architecture.rawValue)",
            "Acquire::Languages=none", "Acquire::Retries=3", "APT::Sandbox::User=",
        ]
        return Command(program, settings.flatMap { ["-o", $0] } + arguments, environment: ["LC_ALL": "C"])
    }
}
