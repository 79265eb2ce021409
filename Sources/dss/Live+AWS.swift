import AWSCore
import AWSIdentity
import FoundationEssentials
import HTTPTransport
import Sandbox
import Workbench

/// AWS as it is reached from here.
extension Live {
    /// Gives `body` whoever calls AWS, with connections that are closed afterwards.
    func withAWS<Result>(
        _ options: AWSOptions, _ body: (Identity) async throws -> Result
    ) async throws -> Result {
        try await withAWS(options.caller, region: options.region, body)
    }

    /// - Parameter region: what the flag says.
    func withAWS<Result>(
        _ options: CallerOptions, region: String?, _ body: (Identity) async throws -> Result
    ) async throws -> Result {
        let log = try CallLog(options)
        return try await withTransport { transport in
            let identity = try await Identity.find(
                profile: options.profile, region: region, in: identityWorld(transport, log))
            log.note("credentials: \(identity.origin)", .info)
            log.note("region: \(identity.region.map { "\($0.value), \($0.origin)" } ?? "none")", .info)
            return try await body(identity)
        }
    }

    /// How often AWS is asked for what takes its time. `AWS_POLL_DELAY_SECONDS` is what Packer calls the pause.
    func pace() throws -> Pace {
        let name = "AWS_POLL_DELAY_SECONDS"
        guard let text = environment[name], !text.isEmpty else { return Pace() }
        guard let seconds = Double(text), (0.01...600).contains(seconds) else {
            throw Failure(.usage, "\(name) must be a number from 0.01 to 600 seconds, not '\(text)'")
        }
        return Pace(first: .seconds(seconds), longest: .seconds(seconds), growth: 1)
    }

    func withTransport<Result>(_ body: (any Transport) async throws -> Result) async throws -> Result {
        let certificates = environment["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 }
        if let certificates, !fileExists(certificates) {
            throw Failure(.badData, "there is no file \(certificates) (AWS_CA_BUNDLE)")
        }
        var settings = HTTPSettings(certificates: certificates)
        return try await withHTTPTransport(settings) { direct in
            guard let proxy = try ProxyRoute.proxy(in: environment) else { return try await body(direct) }
            settings.proxy = proxy
            let exceptions = ProxyRoute.Exceptions(environment["NO_PROXY"] ?? environment["no_proxy"] ?? "")
            return try await withHTTPTransport(settings) { proxied in
                try await body(ProxyRoute(direct: direct, proxied: proxied, exceptions: exceptions))
            }
        }
    }

    private func identityWorld(_ transport: any Transport, _ log: CallLog) -> IdentityWorld {
        IdentityWorld(
            environment: environment, home: environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path,
            readFile: { path in fileExists(path) ? Array(try readText(path).utf8) : nil },
            writeFile: { path, text in
                try makeDirectory(parentDirectory(path), mode: 0o700)
                try writeAtomically(text, to: path, mode: 0o600)
            },
            runProcess: credentialProcess, askMFACode: { try MFAPrompt.ask($0) }, warn: { log.note($0, .warning) },
            transport: transport, observe: log.note)
    }

    /// The user's own program, which may need the secrets that other programs do not get; what it says on standard
    /// error is for the person, what it prints is for nobody's eyes.
    @Sendable private func credentialProcess(_ words: [String]) async throws -> String {
        let secrets = Self.secretVariables.reduce(into: [:]) { $0[$1] = environment[$1] }
        let command = Command(words[0], Array(words.dropFirst()), environment: secrets.mapValues { Optional($0) })
        do {
            let output = try await runner.execute(command) { stream, line in
                if stream == .standardError { Terminal.standardError.write(line + "\n") }
            }
            guard output.status.isSuccess else { throw CredentialProcessFailure("ended with \(output.status)") }
            return output.standardOutput
        } catch is ToolMissing {
            throw CredentialProcessFailure("cannot be run: the program '\(words[0])' is not installed")
        }
    }
}
