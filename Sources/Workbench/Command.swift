/// A call of an external program as a value: what is run is decided and tested here, and run in one place.
///
/// Secrets never stand in `arguments` or `environment`, where other users' `ps` could read them, but in `input`.
package struct Command: Sendable, Equatable {
    package enum Input: Sendable, Equatable {
        case none
        /// Written to standard input, which is then closed.
        case text(String)
    }

    /// A name that is looked up in PATH, or an absolute path.
    package var executable: String
    package var arguments: [String]
    /// Set in addition to the inherited environment; `nil` removes a variable.
    package var environment: [String: String?]
    package var workingDirectory: String?
    package var input: Input

    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:],
        workingDirectory: String? = nil, input: Input = .none
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.input = input
    }

    /// The call as a line to copy and paste into a shell.
    package var shellLine: String {
        let variables = environment.sorted { $0.key < $1.key }
            .compactMap { name, value in value.map { "\(name)=\(shellQuoted($0))" } }
        let words = ([executable] + arguments).map(shellQuoted)
        let line = (variables + words).joined(separator: " ")
        return workingDirectory.map { "cd \(shellQuoted($0)) && \(line)" } ?? line
    }
}

/// Quotes a word for a POSIX shell, only where it needs quotes.
package func shellQuoted(_ word: String) -> String {
    let plain =
        !word.isEmpty
        && word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./=:,@%+".utf8.contains(byte)
            }
        }
    guard !plain else { return word }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
}
