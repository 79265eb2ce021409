import Workbench

/// What an interactive login shows before its prompt.
struct MessageOfTheDay: Sendable, Equatable {
    var text: String

    /// - Parameter heard: all that came over the terminal.
    init(_ heard: String) {
        text = heard.replacing("\r", with: "")
    }

    /// The lines that are set off by blanks: addresses and commands.
    private var setOff: [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("  ") || $0.hasPrefix("\t") }.map { String($0).trimmedLine }
    }

    func address(port: Int) -> String? {
        text.split(whereSeparator: \.isWhitespace).map(String.init).first { word in
            (word.hasPrefix("http://") || word.hasPrefix("https://")) && word.contains(":\(port)")
        }
    }

    /// The command that changes the default password.
    var command: String? {
        setOff.first { !$0.hasPrefix("http") && $0.contains("password") }
    }

    /// Whether it says anything of JupyterLab.
    func mentionsJupyter(port: Int) -> Bool {
        text.lowercased().contains("jupyter") || address(port: port) != nil
    }
}
