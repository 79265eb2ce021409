import Glibc
import Reporting

/// One of the process's output streams, and how to write to it.
struct Terminal: Sendable {
    let descriptor: Int32

    static let standardOutput = Terminal(descriptor: STDOUT_FILENO)
    static let standardError = Terminal(descriptor: STDERR_FILENO)

    var isInteractive: Bool { isatty(descriptor) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb" }

    /// Colours only on a terminal, never with `NO_COLOR`; the width is the window's.
    var style: Style {
        guard isInteractive else { return .piped }
        return Style(color: !hasVariable("NO_COLOR"), unicode: isUnicode, width: width)
    }

    func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    private var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    private var isUnicode: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { (name: String) in getenv(name) }
            .map { String(cString: $0) }.first { !$0.isEmpty }
        return (locale ?? "").lowercased().contains("utf")
    }

    private func hasVariable(_ name: String) -> Bool {
        getenv(name).map { $0.pointee != 0 } ?? false
    }
}
