import Glibc
import Sandbox

/// Asks for an MFA code on the controlling terminal, regardless of standard input.
///
/// The code is echoed: it is valid only once, and seeing typing mistakes is more useful than hiding it.
enum MFAPrompt {
    static func ask(_ serial: String) throws -> String {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            throw Failure(
                .noPermission, "MFA device \(serial) requires a code, and there is no terminal to ask for it",
                advice: "run 'dss whoami' once in a terminal; its credentials are then used until they expire")
        }
        defer { close(terminal) }
        for _ in 1...3 {
            Terminal(descriptor: terminal).write("MFA code for \(serial): ")
            let code = try line(from: terminal)
            if code.wholeMatch(of: /[0-9]{6}/) != nil { return code }
            Terminal(descriptor: terminal).write("the code must have six digits\n")
        }
        throw Failure(.usage, "no valid MFA code was entered")
    }

    private static func line(from terminal: Int32) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = buffer.withUnsafeMutableBytes { read(terminal, $0.baseAddress, $0.count) }
        guard count > 0 else { throw Failure(.usage, "no MFA code was entered") }
        return String(decoding: buffer[..<count].filter { $0 > 32 && $0 < 127 }, as: UTF8.self)
    }
}
