import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Boots copies of an image file in QEMU; the image itself is opened read-only.
package struct QemuGuestHost: GuestHost {
    package let profile: Hardware
    package let image: ImageInfo
    package let accelerated: Accelerator
    private let path: String
    private let options: Options
    private let runner: any CommandRunner
    /// Chooses the host ports; replaceable, so that a test can simulate a port taken by another program.
    var choosePorts: @Sendable () throws -> [Int] = { try freePorts(2) }

    package struct Options: Sendable, Equatable {
        package var memoryMiB: Int
        /// Port of JupyterLab in the guest.
        package var jupyterPort: Int
        /// Asset id in the process names, to find leftovers.
        package var assetID: String
        /// Directory for the files of running guests, which can grow to several gigabytes.
        package var temporaryDirectory: String

        package init(
            memoryMiB: Int = 2048, jupyterPort: Int = 49494, assetID: String, temporaryDirectory: String = "/var/tmp"
        ) {
            self.memoryMiB = memoryMiB
            self.jupyterPort = jupyterPort
            self.assetID = assetID
            self.temporaryDirectory = temporaryDirectory
        }
    }

    /// Inspects the image and selects the accelerator.
    /// - Parameter accelerator: the accelerator to use; `nil` selects the best one that works on this host.
    /// - Throws: `Failure` if the file is not a complete image.
    package init(
        image path: String, on hardware: Hardware, options: Options, accelerator: Accelerator? = nil,
        runner: any CommandRunner
    ) async throws {
        profile = hardware
        self.path = path
        self.options = options
        self.runner = runner
        image = try await ImageInspector(runner: runner).inspect(path)
        if let accelerator {
            accelerated = accelerator
        } else {
            accelerated = try await AcceleratorProbe(runner: runner).best()
        }
    }

    package var hardware: String { "\(profile.rawValue), \(profile.firmware.rawValue)" }
    package var accelerator: String { accelerated.rawValue }

    /// Boots a copy, runs `body`, and always ends the guest.
    ///
    /// `body` starts as soon as the machine is powered on. It is cancelled if the machine stops unexpectedly.
    /// - Throws: `Failure` with the output of QEMU and the console if the machine stopped before `body` returned.
    package func withGuest<Result: Sendable>(
        _ name: String, _ body: @Sendable (GuestAddress) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory(in: options.temporaryDirectory) { directory in
            let guestName = GuestName(
                starter: GuestName.ownStarter, hardware: profile.rawValue, guest: name, assetID: options.assetID)
            return try await finally {
                let guest = try await boot(guestName, in: directory)
                return try await withoutActuallyEscaping(body) { body in
                    try await run(body, in: guest)
                }
            } cleanup: {
                await end(guestName, in: directory)
            }
        }
    }

    /// Starts QEMU; retries with other ports if a port was taken in the meantime.
    private func boot(_ name: GuestName, in directory: String) async throws -> RunningGuest {
        let firmware = profile.firmware == .uefi ? try UEFIFirmware.installed() : nil
        var attempt = 1
        while true {
            let ports = try choosePorts()
            let command = GuestCommand(
                name: name, hardware: profile, accelerator: accelerated,
                image: try QemuBlockNode(path: path, format: image.format), memoryMiB: options.memoryMiB,
                ports: [.init(host: ports[0], guest: 22), .init(host: ports[1], guest: options.jupyterPort)],
                directory: directory, firmware: firmware)
            if let firmware { try await runner.run(Command("cp", ["--", firmware.variables, command.variables])) }
            let output = try await execute(command.command)
            if output.status.isSuccess { return try RunningGuest(command) }
            // With -D and -daemonize, all messages of QEMU go to its log.
            let messages = output.standardError + tail(of: command.log)
            guard attempt < 5, messages.contains("host forwarding rule") else {
                throw Failure(
                    .unavailable, "QEMU cannot start a machine with hardware '\(profile.rawValue)'",
                    details: messages.split(separator: "\n").map(String.init),
                    advice: "reproduce with: \(command.command.shellLine)")
            }
            attempt += 1
        }
    }

    private func execute(_ command: Command) async throws -> CommandOutput {
        do {
            let output = try await runner.execute(command)
            try Task.checkCancellation()
            return output
        } catch let missing as ToolMissing {
            throw Failure(.unavailable, "\(missing)", advice: "sudo apt-get install qemu-system-x86")
        }
    }

    private func run<Result: Sendable>(
        _ body: @escaping @Sendable (GuestAddress) async throws -> Result, in guest: RunningGuest
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body(guest.address) }
            group.addTask {
                while guest.process.isAlive { try await Task.sleep(for: .milliseconds(200)) }
                throw guest.endedEarly()
            }
            defer { group.cancelAll() }
            return try await group.next()!
        }
    }

    /// Ends every process with this guest's name, including one that was started while the task was being cancelled.
    private func end(_ name: GuestName, in directory: String) async {
        let text = "\(name)"
        let mine = BackgroundProcess.all { words in
            LeftoverGuests.name(commandLine: words) == name && words.contains { $0.contains(directory) }
                && words.contains(text)
        }
        for process in mine { await process.stop(grace: .seconds(2)) }
    }
}

/// A guest with its QEMU process.
struct RunningGuest: Sendable {
    let command: GuestCommand
    let process: BackgroundProcess

    /// - Throws: `Failure` if the process has already ended.
    init(_ command: GuestCommand) throws {
        self.command = command
        guard let pid = Int32((try readText(command.pidFile)).trimmedLine), let process = BackgroundProcess(pid: pid)
        else { throw Self.endedEarly(command) }
        self.process = process
    }

    var address: GuestAddress {
        GuestAddress(
            host: "127.0.0.1", sshPort: command.ports[0].host, jupyterPort: command.ports[1].host,
            consoleLog: command.consoleLog)
    }

    func endedEarly() -> Failure { Self.endedEarly(command) }

    private static func endedEarly(_ command: GuestCommand) -> Failure {
        var details: [String] = []
        for (title, file) in [("QEMU", command.log), ("console", command.consoleLog)] {
            let text = tail(of: file, lines: 15)
            if !text.isEmpty { details += ["\(title):"] + text.split(separator: "\n").map { "  \($0)" } }
        }
        return Failure(
            .failed, "the virtual machine (\(command.hardware.rawValue)) stopped unexpectedly", details: details)
    }
}

/// Asks the kernel for unused TCP ports on 127.0.0.1.
///
/// Another program may take a port before the caller binds it; the caller must retry in that case.
package func freePorts(_ count: Int) throws -> [Int] {
    var sockets: [Int32] = []
    defer { for file in sockets { close(file) } }
    return try (0..<count).map { _ in
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { throw FileError("open a socket on", "127.0.0.1") }
        sockets.append(file)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, length) == 0 && getsockname(file, $0, &length) == 0
            }
        }
        guard isBound else { throw FileError("bind a port on", "127.0.0.1") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

/// Finds and removes guests that are still running after the `dss` process that booted them was killed.
package struct LeftoverGuests: Sendable {
    package init() {}

    /// All guests of any `dss` process on this host; those whose starter is still running are in use.
    package func assets() -> [Asset] {
        guests().map { process, name in
            Asset(
                .process, assetID: name.assetID, id: "\(process.pid) (\(name))",
                state: name.starterLives ? .inUse : .orphaned)
        }
    }

    /// Ends the orphaned guests of assets that match a pattern and removes their files; guests of a running `dss` are
    /// kept.
    /// - Returns: the ended guests.
    @discardableResult
    package func remove(_ pattern: AssetPattern = AssetPattern("*")) async -> [Asset] {
        var ended: [Asset] = []
        for (process, name) in guests() where !name.starterLives && pattern.matches(name.assetID) {
            let directory = Self.directory(commandLine: commandLine(of: process.pid))
            await process.stop()
            if let directory { try? FileManager.default.removeItem(atPath: directory) }
            ended.append(Asset(.process, assetID: name.assetID, id: "\(process.pid) (\(name))", state: .orphaned))
        }
        return ended
    }

    private func guests() -> [(BackgroundProcess, GuestName)] {
        BackgroundProcess.all { Self.name(commandLine: $0) != nil }.compactMap { process in
            Self.name(commandLine: commandLine(of: process.pid)).map { (process, $0) }
        }
    }

    private func commandLine(of pid: Int32) -> [String] {
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return [] }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The guest's temporary directory, derived from the path of its pid file; `nil` for any unexpected path, which
    /// must not be removed.
    static func directory(commandLine words: [String]) -> String? {
        guard let position = words.firstIndex(of: "-pidfile"), position + 1 < words.count else { return nil }
        let parts = words[position + 1].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 2, parts.first == "", parts.last == "qemu.pid", parts[parts.count - 2].hasPrefix("dss.")
        else { return nil }
        return parts.dropLast().joined(separator: "/")
    }

    /// The guest name on the command line of a QEMU process.
    static func name(commandLine words: [String]) -> GuestName? {
        guard let program = words.first, program.contains("qemu-system"),
            let position = words.firstIndex(of: "-name"), position + 1 < words.count
        else { return nil }
        return GuestName(parsing: words[position + 1])
    }
}
