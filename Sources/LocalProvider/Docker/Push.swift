import FoundationEssentials
import Sandbox
import Synchronization
import Workbench

/// Pushes a finished image to a registry: first its version, and `latest` only once the version is complete there.
package struct Push: Sendable {
    package var runner: any CommandRunner
    package var repository: ImageRepository
    package var credentials: RegistryCredentials

    package init(
        runner: any CommandRunner, repository: ImageRepository, credentials: RegistryCredentials
    ) {
        self.runner = runner
        self.repository = repository
        self.credentials = credentials
    }

    /// - Returns: the container as now described in the manifest, marked as published.
    package func publish(
        _ container: Manifest.Container, of order: DockerOrder, in folder: AssetFolder<DirectoryStore>,
        events: @escaping EventSink
    ) async throws -> Manifest.Container {
        let version = order.version
        try await credentials.withFile(for: repository) { file in
            for tag in [version, "latest"] {
                try await activity("push \(tag)", events) {
                    try await push(folder.layout, from: version, as: tag, layers: container.layers.count, file, events)
                }
                try await confirm(tag, container.digest, file)
            }
        }
        var published = container
        published.isPublished = true
        try await folder.note(published, of: order)
        return published
    }

    private func push(
        _ layout: ImageLayout, from version: String, as tag: String, layers: Int, _ credentials: String?,
        _ events: @escaping EventSink
    ) async throws {
        let command = Command.push(layout, tag: version, to: repository, as: tag, credentials: credentials)
        let begun = Mutex(0)
        do {
            try await runner.run(command) { _, line in
                guard line.hasPrefix("Copying blob") else { return }
                let number = begun.withLock { count in
                    count += 1
                    return count
                }
                events(
                    .progress(
                        .export,
                        Progress(
                            "pushing layers of \(tag)", completed: Double(min(number, layers)), total: Double(layers))))
            }
        } catch let failure as CommandFailure {
            throw Failure(pushing: repository.reference(tag), failure)
        }
    }

    /// Checks that a tag in the registry refers to the image that was pushed.
    private func confirm(_ tag: String, _ digest: String, _ credentials: String?) async throws {
        let answer: String
        do {
            answer = try await runner.run(.rawManifest(repository, tag, credentials: credentials))
        } catch let failure as CommandFailure { throw Failure(pushing: repository.reference(tag), failure) }
        guard "sha256:\(sha256(ofText: answer))" == digest else {
            throw Failure(
                .temporary, "\(repository.reference(tag)) is not what was pushed: somebody else pushes it too",
                advice: "run the same command again when they have finished")
        }
    }
}

extension Failure {
    /// Explains why a registry did not accept an image. The messages of skopeo are the only source of the reason.
    init(pushing reference: String, _ failure: CommandFailure) {
        let text = failure.lastLines.joined(separator: "\n").lowercased()
        let says = { (words: [String]) in words.contains(where: text.contains) }
        let reason = failure.lastLines.last { $0.contains("level=fatal") } ?? failure.lastLines.last ?? ""
        let details = [Self.message(in: reason)]
        if says(["toomanyrequests", "too many requests", "quota", "insufficient storage", "status: 507", "status 507"])
        {
            self.init(
                .temporary, "the registry takes no more for now: \(reference) was not pushed", details: details,
                advice: "wait or make room there, and run the same command again: it goes on where it stopped")
        } else if says(["unauthorized", "authentication required", "denied", "403 (forbidden)", "incorrect username"]) {
            self.init(
                .noPermission, "the registry does not let this user push \(reference)", details: details,
                advice: "set DOCKER_REGISTRY_USER and DOCKER_REGISTRY_PASSWORD, or run: docker login")
        } else if says([
            "connection refused", "connection reset", "broken pipe", "eof", "no such host", "timeout", "timed out",
            "server misbehaving", "no route to host", "network is unreachable", "500 internal", "502 bad gateway",
            "503 service", "504 gateway", "tls:", "x509:", "status: 50", "http response to https",
        ]) {
            self.init(
                .unavailable, "the registry cannot be reached or ended in the middle: \(reference) was not pushed",
                details: details, advice: "run the same command again: what has arrived is not sent again")
        } else {
            self.init(
                .failed, "\(reference) could not be pushed", details: failure.lastLines,
                advice: "run the same command again: what has arrived is not sent again")
        }
    }

    /// The message in a log line of skopeo, which has the format `time="…" level=fatal msg="…"`.
    private static func message(in line: String) -> String {
        guard let match = line.firstMatch(of: /msg="(.*)"$/) else { return line }
        return String(match.output.1).replacing("\\\"", with: "\"")
    }
}

extension ImageLayout {
    /// The location of the image in skopeo's notation, for a command that runs in the layout's directory: a
    /// colon would end a path.
    func location(_ tag: String) -> String { "oci:.:\(tag)" }
}

extension Command {
    /// Copies an image to a registry. Only missing blobs are sent, and the registry may mount some of them from another
    /// of its repositories.
    static func push(
        _ layout: ImageLayout, tag: String, to repository: ImageRepository, as newTag: String, credentials: String?
    ) -> Command {
        var arguments = ["copy", "--preserve-digests", "--retry-times", "3"]
        if repository.isOnThisMachine { arguments.append("--dest-tls-verify=false") }
        if let credentials { arguments += ["--authfile", credentials] }
        return Command(
            "skopeo", arguments + [layout.location(tag), repository.location(newTag)], environment: plain,
            workingDirectory: layout.directory)
    }

    /// Prints the unmodified manifest of an image in a registry.
    static func rawManifest(_ repository: ImageRepository, _ tag: String, credentials: String?) -> Command {
        var arguments = ["inspect", "--raw", "--retry-times", "3"]
        if repository.isOnThisMachine { arguments.append("--tls-verify=false") }
        if let credentials { arguments += ["--authfile", credentials] }
        return Command("skopeo", arguments + [repository.location(tag)], environment: plain)
    }

    /// Writes an archive in the format of `docker save`; the path may be `/dev/stdout`.
    static func archive(_ layout: ImageLayout, tag: String, to path: String, reference: String) -> Command {
        Command(
            "skopeo", ["copy", "--quiet", layout.location(tag), "docker-archive:\(path):\(reference)"],
            environment: plain, workingDirectory: layout.directory)
    }

    private static let plain: [String: String?] = ["LC_ALL": "C.UTF-8"]
}

/// The credentials for a push to a registry.
package enum RegistryCredentials: Sendable {
    /// User and password from the environment; they are in a file without a name while they are in use.
    case given(user: String, password: Secret)
    /// Docker's own configuration, with its credential helpers: the given file, or the default one.
    case docker(configuration: String?)

    /// Uses the user and password from the environment if they are set, else the credentials that `docker login`
    /// stored.
    /// - Parameter user: user from the command line, which takes precedence over the environment.
    package init(user: String?, environment: [String: String]) throws {
        let password = environment["DOCKER_REGISTRY_PASSWORD"].flatMap { $0.isEmpty ? nil : $0 }
        if let password, let reason = SecretLine.mistake(in: password) {
            throw Failure(.usage, "DOCKER_REGISTRY_PASSWORD \(reason)")
        }
        let name = user ?? environment["DOCKER_REGISTRY_USER"].flatMap { $0.isEmpty ? nil : $0 }
        switch (name, password) {
        case (let name?, let password?): self = .given(user: name, password: Secret(password))
        case (nil, nil):
            self = .docker(configuration: environment["DOCKER_CONFIG"].map { "\($0)/config.json" })
        case (let name?, nil):
            throw Failure(
                .usage, "the password of the registry user \(name) is needed", advice: "set DOCKER_REGISTRY_PASSWORD")
        case (nil, _?):
            throw Failure(
                .usage, "DOCKER_REGISTRY_PASSWORD is set, but no user",
                advice: "set DOCKER_REGISTRY_USER, or add --registry-user")
        }
    }

    /// Calls `body` with the credentials file for skopeo, or with `nil` for the default files. A file that is created
    /// here is removed afterwards.
    func withFile<Result>(
        for repository: ImageRepository, _ body: (String?) async throws -> Result
    ) async throws -> Result {
        switch self {
        case .docker(let configuration): return try await body(configuration.flatMap { fileExists($0) ? $0 : nil })
        case .given(let user, let password):
            return try await withNamelessFile(try Self.file(repository, user, password)) { try await body($0) }
        }
    }

    /// Contents of a credentials file, in the format of `docker login`.
    static func file(_ repository: ImageRepository, _ user: String, _ password: Secret) throws -> String {
        let auth = Data("\(user):\(password.reveal)".utf8).base64EncodedString()
        return try canonicalJSON(["auths": [repository.credentialsKey: ["auth": auth]]])
    }
}

/// A repository of a registry: `[HOST[:PORT]/]ORG/REPO` without a tag. Without a host, the registry is Docker Hub.
package struct ImageRepository: Sendable, Equatable, CustomStringConvertible {
    /// Host of the registry; `nil` for Docker Hub.
    package let host: String?
    package let path: String

    package var description: String { host.map { "\($0)/\(path)" } ?? path }

    /// - Throws: `Failure(.usage)` for a name that no registry accepts (OCI distribution specification, "Pulling
    ///   manifests").
    package init(_ text: String) throws {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        // Docker distinguishes a host from an organization by the same rule.
        let isHost = parts.count > 1 && (parts[0].contains(".") || parts[0].contains(":") || parts[0] == "localhost")
        host = isHost ? parts.removeFirst() : nil
        path = parts.joined(separator: "/")
        guard !parts.isEmpty, parts.allSatisfy({ $0.wholeMatch(of: Self.component) != nil }), !(host ?? "x").isEmpty
        else {
            throw Failure(
                .usage, "'\(text)' is not a valid image repository",
                advice: "use [HOST[:PORT]/]ORG/REPO in lower case, without a tag: exasol/data-science-sandbox")
        }
    }

    nonisolated(unsafe) private static let component = /[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/

    /// Whether the registry is on this host. Docker uses plain HTTP for such registries only.
    var isOnThisMachine: Bool {
        guard let host else { return false }
        if host == "[::1]" || host.hasPrefix("[::1]:") { return true }
        let name = String(host.prefix { $0 != ":" }).lowercased()
        // A name such as 127.evil.example is not an address.
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return name == "localhost" || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The key of the registry in Docker's configuration.
    var credentialsKey: String { host ?? "https://index.docker.io/v1/" }

    package func reference(_ tag: String) -> String { "\(self):\(tag)" }

    /// The location of an image in skopeo's notation, which includes the host of Docker Hub.
    func location(_ tag: String) -> String { "docker://\(host ?? "docker.io")/\(path):\(tag)" }

    /// - Throws: `Failure(.usage)` for an invalid tag.
    package static func check(tag: String) throws {
        guard tag.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._-]{0,127}/) != nil else {
            throw Failure(
                .usage, "'\(tag)' cannot be the version of a Docker image",
                advice: "letters, digits, dots, dashes and underscores, at most 128, are allowed: --version 1.0.0")
        }
    }
}
