import Sandbox
import Synchronization
import Testing
import Workbench

@testable import Provisioning

/// Runs programs for real, and meanwhile reads what every user can see of them: the command lines in `/proc`.
///
/// A web server on the loopback shows a folder to whoever knows the password.
final class WatchedRunner: ExecutingRunner {
    static let login = "me:s3cr%3Fet"
    static let secret = "s3cr"

    private let folder: String
    private let port: Int
    private let seen = Mutex<[String]>([])

    /// Command lines with the password.
    var leaks: [String] { seen.withLock { $0 } }

    func url(_ path: String) -> String { "http://\(Self.login)@127.0.0.1:\(port)/\(path)" }

    /// - Parameter folder: what the server shows.
    init(_ folder: String) async throws {
        self.folder = folder
        let script = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1])"
        port = try #require(
            Int(try await SystemCommandRunner().run(Command("python3", ["-c", script])).trimmedLine))
    }

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        try await withTemporaryDirectory { directory in
            let found = "\(directory)/found"
            try writeAtomically(Self.watch, to: "\(directory)/watch.py")
            var watched = command
            watched.executable = "python3"
            watched.environment["no_proxy"] = "127.0.0.1"
            watched.arguments =
                ["\(directory)/watch.py", found, folder, "\(port)", command.executable] + command.arguments
            let output = try await SystemCommandRunner().execute(watched)
            seen.withLock {
                $0 += ((try? readText(found)) ?? "the watch failed").split(separator: "\n").map(String.init)
            }
            return output
        }
    }

    private static let watch = #"""
        import base64, functools, http.server, os, subprocess, sys, threading

        found, folder, port, *command = sys.argv[1:]
        known = "Basic " + base64.b64encode(b"me:s3cr?et").decode()

        class Guarded(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                if self.headers.get("Authorization") == known:
                    return super().do_GET()
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="test"')
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", int(port)), functools.partial(Guarded, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        lines = set()
        process = subprocess.Popen(command)
        while process.poll() is None:
            for name in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        line = file.read()
                except OSError:
                    continue
                if b"s3cr" in line:
                    lines.add(line.replace(b"\0", b" ").replace(b"\n", b" ").decode(errors="replace"))
        with open(found, "w") as file:
            file.writelines(line + "\n" for line in lines)
        sys.exit(process.returncode)
        """#
}
