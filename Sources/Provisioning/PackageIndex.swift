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
            // Its URLs may contain passwords.
            try writeAtomically(sources, to: "\(directory)/index.sources", mode: 0o600)
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

    /// The names of all packages that start in the same way.
    func aptNames(startingWith prefix: Substring) async throws -> [String] {
        try await runner.run(apt("apt-cache", ["pkgnames", String(prefix)])).split(separator: "\n").map(String.init)
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
    /// - Throws: `Failure` with code `.unavailable` if the index does not answer.
    package func newestPython(_ package: String) async throws -> [String] {
        let output = try await runner.execute(pip(["index", "versions", package]))
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            try await requireAnswer(about: package, output)
            return []
        }
        let prefix = "Available versions: "
        guard let line = output.standardOutput.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) else {
            return []
        }
        return line.dropFirst(prefix.count).split(separator: ",").map { String($0).trimmedLine }
    }

    /// Ensures that an index that has no version of a package was reached. pip's error is the same if it was not; only
    /// its debug log has the reason.
    /// - Parameter output: What pip printed without that log.
    private func requireAnswer(about package: String, _ output: CommandOutput) async throws {
        guard output.standardError.contains("No matching distribution found") else {
            throw Failure(
                .unavailable, "failed to look up \(package) in the package index",
                details: output.standardError.split(separator: "\n").suffix(4).map(String.init))
        }
        let log = try await runner.execute(
            pip(["index", "versions", "--verbose", "--verbose", "--retries", "1", package]))
        try Task.checkCancellation()
        guard let silent = Self.silentIndex(inLog: log.standardOutput + log.standardError) else { return }
        throw Failure(
            .unavailable, "the package index \(silent.url) does not answer", details: [silent.reason],
            advice: "check the network, and the settings that this command prints: \(python) -m pip config list")
    }

    /// Parses pip's debug log for an index that could not be read; status 404 only means that it lacks the package.
    static func silentIndex(inLog log: String) -> (url: String, reason: String)? {
        for match in log.matches(of: /Could not fetch URL (\S+): (.+) - skipping/) where !match.2.hasPrefix("404 ") {
            let page = match.1.hasSuffix("/") ? match.1.dropLast() : match.1
            return (parentDirectory(String(page)), String(match.2))
        }
        return nil
    }

    /// A package that requirements resolve to.
    struct Resolved: Equatable {
        var name: String
        var version: String
        /// Names of the packages that need it; empty if it is required directly.
        var requiredBy: [String] = []
    }

    /// The packages that requirements resolve to on the sandbox's Python, including dependencies, by uv: unlike pip, it
    /// can leave packages out that others require.
    /// - Parameters:
    ///   - constraints: Package → version that is to be used if the package is needed.
    ///   - preferred: Package → version that is to be used if the package is needed and nothing speaks against it.
    ///   - excluded: Packages to leave out, with everything that only they need.
    ///   - source: Packages that have no wheel. To learn what they need, their build backend is run on this host.
    /// - Throws: `Failure` with uv's explanation: with code `.badData` if there is no solution, else with
    ///   `.unavailable`.
    func resolveAll(
        _ requirements: [String], constraints: [String: String] = [:], preferring preferred: [String: String]? = nil,
        excluding excluded: [String] = [], fromSource source: [String] = [], pythonVersion: String
    ) async throws -> [Resolved] {
        guard !requirements.isEmpty else { return [] }
        let (uv, settings) = (try await installedUV(), try await uvSettings())
        let constraintsFile = "\(directory)/constraints.txt"
        let excludesFile = "\(directory)/excludes.txt"
        let resultFile = "\(directory)/resolved.txt"
        try writeAtomically(Self.lines(constraints), to: constraintsFile)
        try writeAtomically(excluded.map { "\($0)\n" }.sorted().joined(), to: excludesFile)
        // uv prefers the versions that the file has before it is written.
        try writeAtomically(Self.lines(preferred ?? [:]), to: resultFile)
        let platform = "\(architecture == .arm64 ? "aarch64" : "x86_64")-manylinux_2_36"
        let output = try await runner.execute(
            Command(
                uv,
                [
                    "pip", "compile", "-", "--quiet", "--no-header", "--annotation-style", "line", "--no-config",
                    "--python", python, "--python-version", pythonVersion, "--python-platform", platform,
                    "--only-binary", ":all:", "--constraints", constraintsFile, "--excludes", excludesFile,
                    "--output-file", resultFile,
                ] + source.sorted().flatMap { ["--no-binary", $0] }, environment: settings,
                input: .text(requirements.map { "\($0)\n" }.joined())))
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            let hasNoSolution = output.standardError.contains("No solution found")
            throw Failure(
                hasNoSolution ? .badData : .unavailable,
                "found no compatible versions of \(requirements.joined(separator: ", "))",
                details: output.standardError.split(separator: "\n").suffix(12).map(String.init))
        }
        return Self.resolved(inRequirements: try readText(resultFile))
    }

    /// The same, as package → version.
    func resolve(
        _ requirements: [String], constraints: [String: String] = [:], preferring preferred: [String: String]? = nil,
        excluding excluded: [String] = [], fromSource source: [String] = [], pythonVersion: String
    ) async throws -> [String: String] {
        try await resolveAll(
            requirements, constraints: constraints, preferring: preferred, excluding: excluded, fromSource: source,
            pythonVersion: pythonVersion
        ).reduce(into: [:]) { $0[$1.name] = $1.version }
    }

    private static func lines(_ versions: [String: String]) -> String {
        versions.map { "\($0.key)==\($0.value)\n" }.sorted().joined()
    }

    /// Parses lines such as `numpy==1.26.4  # via pandas, scipy, -c constraints.txt`, the output of `uv pip compile`.
    static func resolved(inRequirements text: String) -> [Resolved] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            guard let match = line.prefixMatch(of: /([A-Za-z0-9._\-]+)(?:\[[^\]]*\])?==([^\s;]+)/) else { return nil }
            let via = line.firstMatch(of: /# via (.*)/).map { $0.1.split(separator: ",") } ?? []
            return Resolved(
                name: Pins.distribution(String(match.1)), version: String(match.2),
                requiredBy: via.map { String($0).trimmedLine }.filter { !$0.hasPrefix("-") }.map(Pins.distribution))
        }
    }

    /// Installs uv in the directory of the index on first use, as the playbook does on the build machine.
    private func installedUV() async throws -> String {
        let program = "\(directory)/uv/bin/uv"
        if fileExists(program) { return program }
        let output = try await runner.execute(
            pip(["install", "--quiet", "--no-deps", "--no-compile", "--target", "\(directory)/uv", "uv"]))
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            throw Failure(
                .unavailable, "failed to download uv, which resolves Python packages",
                details: output.standardError.split(separator: "\n").suffix(4).map(String.init))
        }
        return program
    }

    /// pip's settings as environment variables of uv, which does not read them itself.
    private func uvSettings() async throws -> [String: String] {
        let output = try await runner.execute(pip(["config", "list"]))
        return Self.uvSettings(pipSettings: output.standardOutput)
    }

    /// Parses lines such as `global.index-url='…'`; a later line wins, as in pip.
    static func uvSettings(pipSettings text: String) -> [String: String] {
        let names = [
            "index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "trusted-host": "UV_INSECURE_HOST",
            "cert": "SSL_CERT_FILE", "find-links": "UV_FIND_LINKS",
        ]
        return text.split(whereSeparator: \.isNewline).reduce(into: [:]) { settings, line in
            guard let match = line.wholeMatch(of: /[^=]*\.([a-z-]+)=.(.*)./), let name = names[String(match.1)] else {
                return
            }
            // pip writes the lines of a value as a string of Python.
            settings[name] = String(match.2).replacing(#"\n"#, with: " ")
        }
    }

    /// The wheels and source distributions that pip would install for exact versions on the sandbox's Python, without
    /// dependencies.
    /// - Parameter source: Packages that have no wheel.
    /// - Returns: Package → version and SHA-256; `nil` if one of the versions is not available.
    func wheels(
        of versions: [String: String], fromSource source: [String] = [], pythonVersion: String
    ) async throws -> [String: Wheel]? {
        guard !versions.isEmpty else { return [:] }
        let requirements = versions.map { "\($0.key)==\($0.value)" }.sorted()
        let report = "\(directory)/report.\(requirements.joined().hashValue).json"
        let environment = source.isEmpty ? [:] : try await environmentForBuilding()
        let output = try await runner.execute(
            pip(
                [
                    "install", "--quiet", "--dry-run", "--ignore-installed", "--report", report, "--no-deps",
                    "--only-binary=:all:", "--target", "\(directory)/target", "--python-version", pythonVersion,
                ] + source.sorted().flatMap { ["--no-binary", $0] } + requirements, environment))
        try Task.checkCancellation()
        guard output.status.isSuccess else { return nil }
        return try Self.wheels(inReport: Data(readText(report).utf8))
    }

    /// A distribution of a Python package that pip selected.
    struct Wheel: Equatable {
        var version: String
        /// In hexadecimal; `nil` if the index does not publish it.
        var sha256: String?
    }

    static func wheels(inReport json: Data) throws -> [String: Wheel] {
        struct Report: Decodable {
            struct Item: Decodable {
                var metadata: Metadata
                var download: Download?
                enum CodingKeys: String, CodingKey {
                    case metadata
                    case download = "download_info"
                }
            }
            struct Metadata: Decodable { var name, version: String }
            struct Download: Decodable {
                var archive: Archive?
                enum CodingKeys: String, CodingKey { case archive = "archive_info" }
            }
            struct Archive: Decodable { var hashes: [String: String]? }
            var install: [Item]
        }
        let items = try JSONDecoder().decode(Report.self, from: json).install
        return Dictionary(
            items.map {
                (
                    Pins.distribution($0.metadata.name),
                    Wheel(
                        version: $0.metadata.version, sha256: $0.download?.archive?.hashes?["sha256"])
                )
            }
        ) { first, _ in first }
    }

    /// The tags of a Git repository, or `nil` if it cannot be reached.
    package func tags(of repository: String) async throws -> [String]? {
        let question = GitQuestion(["ls-remote", "--tags", "--refs", "--sort=-v:refname"], repository, limit: 20)
        let output = try await question.ask(runner)
        guard output.status.isSuccess else { return nil }
        return output.standardOutput.split(separator: "\n").compactMap { line in
            line.split(separator: "\t").last.map { String($0.dropFirst("refs/tags/".count)) }
        }
    }

    private func pip(_ arguments: [String], _ environment: [String: String] = [:]) -> Command {
        Command(
            python, ["-m", "pip", "--disable-pip-version-check", "--no-input"] + arguments,
            environment: environment.mapValues { $0 })
    }

    /// To build a distribution, pip starts itself with the URLs of its settings as arguments. It gets their logins in a
    /// file instead.
    private func environmentForBuilding() async throws -> [String: String] {
        let output = try await runner.execute(pip(["config", "list"]))
        let (environment, netrc) = try Self.separatingLogins(inPipSettings: output.standardOutput)
        guard !netrc.isEmpty else { return [:] }
        try writeAtomically(netrc, to: "\(directory)/netrc", mode: 0o600)
        return environment.merging(["NETRC": "\(directory)/netrc"]) { $1 }
    }

    /// The URLs of pip's settings without their logins as environment variables of pip, and the logins as a `.netrc`
    /// file, which knows one for each host.
    /// - Throws: `Failure` with code `.badData` if a login cannot be written there: with its URL, every user of this
    ///   host could read it in the arguments of pip.
    static func separatingLogins(
        inPipSettings text: String
    ) throws(Failure) -> (environment: [String: String], netrc: String) {
        let settings = uvSettings(pipSettings: text)
        var logins: [String: String] = [:]
        var environment: [String: String] = [:]
        for (name, setting) in [
            ("index-url", "UV_DEFAULT_INDEX"), ("extra-index-url", "UV_INDEX"), ("find-links", "UV_FIND_LINKS"),
        ] {
            guard let value = settings[setting] else { continue }
            var urls: [String] = []
            for url in value.split(whereSeparator: \.isWhitespace) {
                urls.append(try separatingLogin(of: String(url), in: name, &logins))
            }
            environment["PIP_" + name.uppercased().replacing("-", with: "_")] = urls.joined(separator: " ")
        }
        return (environment, logins.values.sorted().joined())
    }

    /// - Parameter logins: host → the line of its login.
    private static func separatingLogin(
        of url: String, in setting: String, _ logins: inout [String: String]
    ) throws(Failure) -> String {
        let (plain, login) = url.separatingLogin
        let reason: String
        if let login {
            switch login.netrc {
            case .success(let line):
                if [nil, line].contains(logins[login.machine]) {
                    logins[login.machine] = line
                    return plain
                }
                reason = "\(login.machine) has another login, too"
            case .failure(let obstacle): reason = obstacle.reason
            }
        } else {
            // An `@` elsewhere than in the path of a URL may end a password that is not encoded.
            let plain = /[a-z+]+:\/\/(?:\[[^\]\/]*\]|[^\/:@]*)(?::[0-9]+)?(?:\/.*)?/.ignoresCase()
            guard url.contains("://"), url.contains("@"), url.wholeMatch(of: plain) == nil else { return url }
            reason = "the URL is not valid"
        }
        throw Failure(
            .badData, "the login in pip's setting \(setting) cannot be kept out of the list of processes: \(reason)",
            advice: "use a user name and a password, or a token, of letters and digits, and one login for each host")
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
