import Foundation

/// A machine for builds whose install and seal are not what is tested: a real sshd behind the instances of one
/// emulator, with the keys of their launch, that runs nothing of what it is sent and gives a plausible answer.
///
/// It needs root or user namespaces; see Tests/AWSEmulator/stub_machine.py.
package struct StubMachine: Sendable {
    /// The address of every instance. It is never dialled: `sshConfig` leads to a port on loopback.
    package static let address = "192.0.2.10"

    package let folder: String
    private let process: PythonProcess

    /// For `--ssh-config`.
    package var sshConfig: String { "\(folder)/ssh_config" }
    /// Where the emulator writes of launches, and a test puts disks.
    package var room: String { "\(folder)/room" }

    package enum Trouble: Sendable {
        case failure(code: Int, message: String)
        /// No answer, for as long as the client waits.
        case hanging
        /// The connection is lost.
        case disconnection
    }

    /// Gives `body` a machine behind all instances that the emulator launches from now on.
    /// - Parameters:
    ///   - emulator: `nil` where the test itself writes the files of its instances into the room.
    ///   - users: who can log in.
    ///   - system: `ID` and `VERSION_CODENAME` of what it says it runs.
    package static func with<Result>(
        _ emulator: AWSEmulator?, users: [String] = ["ubuntu"],
        system: (id: String, codename: String) = ("debian", "bookworm"),
        _ body: (StubMachine) async throws -> Result
    ) async throws -> Result {
        let folder = "/tmp/dss-stub-\(UUID().uuidString.prefix(8).lowercased())"
        try FileManager.default.createDirectory(atPath: "\(folder)/room", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let machine = try await StubMachine(folder, users: users, system)
        defer { machine.process.finish() }
        try await emulator?.control(["knobs": ["machine_room": machine.room, "instance_host": address]])
        return try await body(machine)
    }

    private init(_ folder: String, users: [String], _ system: (id: String, codename: String)) async throws {
        self.folder = folder
        try Self.write(Self.answers, to: "\(folder)/answers.sh")
        try Self.write("", to: "\(folder)/orders.sh")
        try Self.write(
            "ID=\(system.id)\nVERSION_CODENAME=\(system.codename)\nPRETTY_NAME=\"A stub of \(system.codename)\"\n",
            to: "\(folder)/os-release")
        process = try PythonProcess(["Tests/AWSEmulator/stub_machine.py", folder, "\(folder)/room"] + users)
        let line = try await process.readLine()
        guard let port = line.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw PythonProcess.Missing(description: "the stub machine said: \(line)")
        }
        try Self.write(
            "Host \(Self.address)\n  HostName 127.0.0.1\n  Port \(port)\n", to: "\(folder)/ssh_config")
    }

    /// What it was told, in order: the command and the script that came with it in one line, or `seal`.
    package var commands: [String] {
        ((try? String(contentsOfFile: "\(folder)/commands.log", encoding: .utf8)) ?? "")
            .split(separator: "\n").map(String.init)
    }

    /// From now on commands that contain a text meet with trouble.
    package func order(_ trouble: Trouble, at text: String) throws {
        let deed =
            switch trouble {
            case .failure(let code, let message): "echo '\(message)' >&2; exit \(code)"
            case .hanging: "exec sleep 100000"
            case .disconnection: "disconnect"
            }
        try Self.write("case $line in *'\(text)'*) \(deed) ;; esac\n", to: "\(folder)/orders.sh")
    }

    /// Whether connections are taken and then get no answer.
    package func setSilent(_ isSilent: Bool) throws {
        if isSilent {
            try Self.write("", to: "\(folder)/silent")
        } else {
            try FileManager.default.removeItem(atPath: "\(folder)/silent")
        }
    }

    package func withdrawTrouble() throws { try Self.write("", to: "\(folder)/orders.sh") }

    private static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    }

    private static let answers = #"""
        case $said in
        *dss_password=*) line=seal ;;
        *) line=$(printf %s "$said" | tr '\n' ' ') ;;
        esac
        printf '%s\n' "$line" >> "$folder/commands.log"
        disconnect() {
            process=$$
            until [ "$(cat "/proc/$process/comm")" = sshd ]; do
                process=$(cut -d ' ' -f 4 "/proc/$process/stat")
            done
            kill -9 "$process"
            sleep 100000
        }
        . "$folder/orders.sh"
        case $line in
        *os-release*) cat "$folder/os-release" ;;
        *missing.json*) echo '[]' ;;
        *'cloud-init status'*) echo 'status: done' ;;
        esac
        exit 0
        """#
}
