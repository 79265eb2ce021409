import Sandbox
import Workbench

/// A browser session with JupyterLab: `curl` with a cookie jar.
package struct JupyterClient<Runner: CommandRunner>: Sendable {
    var runner: Runner
    var address: GuestAddress
    /// A private directory for the cookies and files with the password and the token.
    var directory: String
    /// The socket of a tunnel to JupyterLab; `nil` if it is reached directly.
    var tunnel: String?

    package init(runner: Runner, address: GuestAddress, directory: String, tunnel: String? = nil) {
        self.runner = runner
        self.address = address
        self.directory = directory
        self.tunnel = tunnel
    }

    /// If JupyterLab listens on the loopback interface only, it answers only to a local name.
    private var base: String { "http://\(tunnel == nil ? address.host : "127.0.0.1"):\(address.jupyterPort)" }
    private var jar: String { "\(directory)/cookies" }

    /// - Returns: The status of the response and the target of a redirect.
    package func get(_ path: String, limit: Int = 20) async throws -> Answer {
        try await request([base + path], limit: limit)
    }

    /// Opens an address that contains the token, as a browser without cookies.
    func open(_ link: JupyterLink) async throws -> Answer {
        try writeAtomically("", to: jar, mode: 0o600)
        try writeAtomically("url = \"\(base)\(link.path)\"\n", to: "\(directory)/address", mode: 0o600)
        return try await request(["--config", "\(directory)/address"], limit: 60)
    }

    /// Submits the login form, which accepts the token, too, as a browser without cookies.
    package func logIn(with password: Secret) async throws -> Answer {
        try writeAtomically("", to: jar, mode: 0o600)
        // The submitted form must contain the token from its page.
        _ = try await get("/login")
        guard let token = CookieJar(try readText(jar))["_xsrf"] else {
            throw CheckFailure("/login sets no _xsrf cookie")
        }
        try writeAtomically(password.reveal, to: "\(directory)/form", mode: 0o600)
        return try await request(
            ["--data-urlencode", "_xsrf=\(token)", "--data-urlencode", "password@\(directory)/form", "\(base)/login"])
    }

    private func request(_ arguments: [String], limit: Int = 20) async throws -> Answer {
        let output = try await runner.execute(
            Command(
                "curl",
                [
                    "-q", "--silent", "--show-error", "--noproxy", "*", "--max-time", "\(limit)", "--output",
                    "/dev/null", "--cookie", jar, "--cookie-jar", jar, "--write-out", #"%{http_code} %{redirect_url}"#,
                ] + (tunnel.map { ["--unix-socket", $0] } ?? []) + arguments))
        return Answer(output.standardOutput, error: output.lastLine)
    }

    package struct Answer: Sendable, Equatable, CustomStringConvertible {
        /// The HTTP status; 0 if there was no response.
        package var status: Int
        var redirect: String
        var error: String

        init(_ line: String, error: String = "") {
            let words = line.split(separator: " ")
            status = words.first.flatMap { Int($0) } ?? 0
            redirect = words.count > 1 ? String(words[1]) : ""
            self.error = status == 0 ? error : ""
        }

        package var asksForPassword: Bool { status == 302 && redirect.contains("/login") }
        package var letsIn: Bool { status == 302 && !redirect.contains("/login") }

        package var description: String {
            status == 0 ? "no response (\(error))" : "\(status)" + (redirect.isEmpty ? "" : " to \(redirect)")
        }
    }
}

/// Cookies in the Netscape file format that curl writes: seven fields, with name and value last.
struct CookieJar {
    private var cookies: [String: String] = [:]

    init(_ text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("# ") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            if fields.count == 7 { cookies[String(fields[5])] = String(fields[6]) }
        }
    }

    subscript(name: String) -> String? { cookies[name] }
}
