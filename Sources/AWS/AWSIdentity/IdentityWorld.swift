import AWSCore
import AWSServices
import FoundationEssentials

/// Everything the search for credentials needs from the outside world; built in one place, and faked in tests.
package struct IdentityWorld: Sendable {
    package var environment: [String: String]
    package var home: String
    /// Reads a file; returns `nil` if it does not exist.
    package var readFile: @Sendable (_ path: String) throws -> [UInt8]?
    /// Atomically writes a file that only its owner may read (mode 0600); creates its directory.
    package var writeFile: @Sendable (_ path: String, _ text: String) throws -> Void
    /// Runs a `credential_process` and returns its standard output.
    /// - Throws: `CredentialProcessFailure` if it does not succeed.
    package var runProcess: @Sendable (_ words: [String]) async throws -> String
    /// Prompts the user for the current code of an MFA device.
    package var askMFACode: @Sendable (_ serial: String) async throws -> String
    package var warn: @Sendable (String) -> Void
    /// Whether a host of this name is known to the resolver.
    package var hostExists: @Sendable (_ name: String) async -> Bool
    package var transport: any Transport
    package var time: CallTime
    /// Called after every attempt of every call.
    package var observe: @Sendable (CallRecord) -> Void

    package init(
        environment: [String: String], home: String, readFile: @escaping @Sendable (String) throws -> [UInt8]?,
        writeFile: @escaping @Sendable (String, String) throws -> Void,
        runProcess: @escaping @Sendable ([String]) async throws -> String,
        askMFACode: @escaping @Sendable (String) async throws -> String,
        warn: @escaping @Sendable (String) -> Void = { _ in },
        hostExists: @escaping @Sendable (String) async -> Bool = { _ in true }, transport: any Transport,
        time: CallTime = .live,
        observe: @escaping @Sendable (CallRecord) -> Void = { _ in }
    ) {
        self.environment = environment
        self.home = home
        self.readFile = readFile
        self.writeFile = writeFile
        self.runProcess = runProcess
        self.askMFACode = askMFACode
        self.warn = warn
        self.hostExists = hostExists
        self.transport = transport
        self.time = time
        self.observe = observe
    }
}

/// A `credential_process` that failed or could not be started.
package struct CredentialProcessFailure: Error, Sendable {
    /// The predicate of a sentence: `ended with exit code 3`.
    package var reason: String

    package init(_ reason: String) {
        self.reason = reason
    }
}

extension IdentityWorld {
    /// The value of an environment variable; an empty value counts as not set.
    func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The first of these environment variables that is set.
    func setting(_ names: String...) -> Setting? {
        names.lazy.compactMap { name in variable(name).map { Setting($0, origin: name) } }.first
    }

    func isTrue(_ name: String) -> Bool {
        variable(name)?.lowercased() == "true"
    }

    /// Expands `~` and variables in a path, as the AWS CLI does.
    func expanded(_ path: String) -> String {
        let filled = path.replacing(/\$(?:\{(\w+)\}|(\w+))/) { match in
            environment[String(match.1 ?? match.2 ?? "")] ?? String(match.0)
        }
        return filled == "~" || filled.hasPrefix("~/") ? home + filled.dropFirst() : filled
    }

    /// The path as shown to users: `~/.aws/config`.
    func shown(_ path: String) -> String {
        path.hasPrefix(home + "/") ? "~" + path.dropFirst(home.count) : path
    }

    func text(of path: String) throws -> String? {
        do {
            return try readFile(path).map { String(decoding: $0, as: UTF8.self) }
        } catch {
            throw IdentityError(.credentials, "cannot read \(shown(path))", details: ["\(error)"])
        }
    }

    /// Reads a token from a file and trims whitespace, since an editor or `echo` appends a line break.
    func token(in path: String, for purpose: String) throws -> String {
        guard let text = try text(of: expanded(path)) else {
            throw IdentityError(.credentials, "\(purpose): there is no file \(shown(path))")
        }
        // Swift puts U+FFFD in place of bytes that are not UTF-8.
        guard !text.unicodeScalars.contains("\u{FFFD}") else {
            throw IdentityError(.credentials, "\(purpose): \(shown(path)) is not UTF-8 text")
        }
        let token = (text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text).trimmed
        guard !token.isEmpty else { throw IdentityError(.credentials, "\(purpose): \(shown(path)) is empty") }
        guard !token.contains(where: \.isNewline) else {
            throw IdentityError(.credentials, "\(purpose): \(shown(path)) has more than one line")
        }
        guard !token.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw IdentityError(.credentials, "\(purpose): \(shown(path)) contains a control character")
        }
        return token
    }
}

extension StringProtocol {
    var trimmed: String {
        let scalars = unicodeScalars
        let isBlank = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
        guard let first = scalars.firstIndex(where: { !isBlank($0) }),
            let last = scalars.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(String.UnicodeScalarView(scalars[first...last]))
    }
}

// Types that hold secrets and never reveal them, however they are printed.

extension IdentityWorld: Redacted {
    package var shown: KeyValuePairs<String, Any> { ["home": home] }
}

extension INIFile.Entry: Redacted {
    var shown: KeyValuePairs<String, Any> { ["place": place] }
}

extension SSOToken: Redacted {
    var shown: KeyValuePairs<String, Any> { ["expiresAt": expiresAt] }
}

extension CredentialDocument: Redacted {
    var shown: KeyValuePairs<String, Any> { ["expiration": expiration ?? "never"] }
}

extension GitHubToken: Redacted {
    var shown: KeyValuePairs<String, Any> { [:] }
}

extension MetadataRequest: Redacted {
    var shown: KeyValuePairs<String, Any> { ["name": name, "url": shownURL] }
}
