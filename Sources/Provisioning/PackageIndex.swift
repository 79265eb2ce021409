import FoundationEssentials
import Sandbox
import Workbench

/// Asks apt and pip which versions exist, for the distribution of the sandbox, without root and without
/// touching what this machine has installed.
package struct PackageIndex: Sendable {
    private let runner: any CommandRunner
    private let directory: String
    private let architecture: Architecture
    /// A Python interpreter with pip.
    private let python: String

    /// Gives `body` an index of its own, freshly downloaded into a temporary directory.
    /// - Parameter sources: apt's sources in deb822 form, the ones that the base system is built from.
    /// - Throws: `Failure` with code `.unavailable` where the index cannot be loaded.
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
                throw Failure(.unavailable, "the package index could not be loaded", details: lines)
            }
            return try await body(index)
        }
    }

    /// Versions of Debian packages, newest first; packages that do not exist are left out.
    package func aptVersions(of packages: [String]) async throws -> [String: [String]] {
        guard !packages.isEmpty else { return [:] }
        let table = try await runner.run(apt("apt-cache", ["madison"] + packages.sorted()))
        return Self.versions(inMadison: table)
    }

    /// Reads apt's table `package | version | source`.
    static func versions(inMadison table: String) -> [String: [String]] {
        var versions: [String: [String]] = [:]
        for line in table.split(separator: "\n") {
            let columns = line.split(separator: "|").map { String($0).trimmedLine }
            guard columns.count >= 2, versions[columns[0]]?.contains(columns[1]) != true else { continue }
            versions[columns[0], default: []].append(columns[1])
        }
        return versions
    }

    /// The newest version of a Python package that the index offers, or `nil` where there is none.
    package func newestPython(_ package: String) async throws -> [String] {
        let output = try await runner.execute(pip(["index", "versions", package]))
        guard output.status.isSuccess else { return [] }
        let prefix = "Available versions: "
        guard let line = output.standardOutput.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) else {
            return []
        }
        return line.dropFirst(prefix.count).split(separator: ",").map { String($0).trimmedLine }
    }

    /// What pip would install for some requirements on the sandbox's Python, with all that comes along.
    /// - Returns: package → version; `nil` where the requirements cannot be met.
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

    /// A project's name as the index compares it: lower case, each run of `-`, `_` and `.` one dash (PEP 503).
    static func normalized(_ name: String) -> String {
        name.lowercased().replacing(/[-_.]+/, with: "-")
    }

    /// The tags of a Git repository, or `nil` where it cannot be reached.
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
