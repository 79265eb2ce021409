import Glibc
import Sandbox

/// Asks for the code of an MFA device on the terminal itself, whatever standard input is.
///
/// The code is shown as it is typed: it is good once, and being able to see a typing mistake is worth more.
enum MFAPrompt {
    static func ask(_ serial: String) throws -> String {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            throw Failure(
                .noPermission, "the code of the MFA device \(serial) is needed, and there is no terminal to ask on",
                advice: "run 'dss whoami' once on a terminal: its credentials are then used until they expire")
        }
        defer { close(terminal) }
        for _ in 1...3 {
            Terminal(descriptor: terminal).write("MFA code of \(serial): ")
            let code = try line(from: terminal)
            if code.wholeMatch(of: /[0-9]{6}/) != nil { return code }
            Terminal(descriptor: terminal).write("it has six digits\n")
        }
        throw Failure(.usage, "no MFA code was given")
    }

    private static func line(from terminal: Int32) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = buffer.withUnsafeMutableBytes { read(terminal, $0.baseAddress, $0.count) }
        guard count > 0 else { throw Failure(.usage, "no MFA code was given") }
        return String(decoding: buffer[..<count].filter { $0 > 32 && $0 < 127 }, as: UTF8.self)
    }
}
