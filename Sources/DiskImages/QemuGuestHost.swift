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
    var choosePorts: @Sendable () throws -> [Int]

    package struct Options: Sendable, Equatable {
        package var memoryMiB: Int
        package var processors = 2
        /// Preferred host ports of SSH and JupyterLab; another free port is used if one is taken or 0.
        package var preferredPorts = [0, 0]
        /// The disk that keeps what the guest writes; `nil` discards it.
        package var disk: KeptDisk?
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
        choosePorts = { [options] in try freePorts(preferring: options.preferredPorts) }
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
        try await withMachine(name) { guest in
            try await withoutActuallyEscaping(body) { body in
                try await run(body, in: guest)
            }
        }
    }

    /// Boots a machine for a person: runs `body`, and then waits until the machine is powered off.
    ///
    /// Cancelling the task after `body` presses the power button, so that the guest shuts down in order;
    /// `onPowerButton` is called then. Cancelling it before ends the machine at once.
    /// - Throws: `Failure` with the output of QEMU and the console if QEMU crashed, or if the machine stopped before
    ///   `body` returned.
    package func operate(
        _ name: String, onPowerButton: @Sendable () -> Void,
        _ body: @escaping @Sendable (GuestAddress) async throws -> Void
    ) async throws {
        try await withMachine(name, hasPowerButton: true) { guest in
            try await run(body, in: guest)
            do {
                while guest.process.isAlive { try await Task.sleep(for: .milliseconds(200)) }
            } catch {
                onPowerButton()
                guest.command.powerButton?.press()
                _ = await guest.process.ended(within: .seconds(accelerated == .kvm ? 30 : 120))
                return
            }
            if guest.hasCrashed { throw guest.endedEarly() }
        }
    }

    private func withMachine<Result: Sendable>(
        _ name: String, hasPowerButton: Bool = false, _ body: (RunningGuest) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory(in: options.temporaryDirectory) { directory in
            let guestName = GuestName(
                starter: GuestName.ownStarter, hardware: profile.rawValue, guest: name, assetID: options.assetID)
            return try await finally {
                try await body(try await boot(guestName, in: directory, hasPowerButton: hasPowerButton))
            } cleanup: {
                await end(guestName, in: directory)
            }
        }
    }

    /// Starts QEMU; retries with other ports if a port was taken in the meantime.
    private func boot(
        _ name: GuestName, in directory: String, hasPowerButton: Bool
    ) async throws -> RunningGuest {
        let base = try await disk(in: directory)
        let firmware = profile.firmware == .uefi ? try UEFIFirmware.installed() : nil
        var attempt = 1
        while true {
            let ports = try choosePorts()
            let command = GuestCommand(
                name: name, hardware: profile, accelerator: accelerated,
                image: options.disk?.node(on: base) ?? base, memoryMiB: options.memoryMiB,
                ports: [.init(host: ports[0], guest: 22), .init(host: ports[1], guest: options.jupyterPort)],
                directory: directory, firmware: firmware, processors: options.processors,
                keepsWrites: options.disk != nil,
                powerButton: hasPowerButton ? PowerButton(in: directory) : nil)
            try command.powerButton?.install()
            if let firmware { try await runner.run(Command("cp", ["--", firmware.variables, command.variables])) }
            let output = try await execute(command.command)
            if output.status.isSuccess { return try RunningGuest(command) }
            // With -D and -daemonize, all messages of QEMU go to its log.
            let messages = output.standardError + tail(of: command.log)
            if let disk = options.disk, messages.contains(#"Failed to get "write" lock"#) {
                throw Failure(.temporary, "\(disk.path) is in use by another virtual machine")
            }
            guard attempt < 5, messages.contains("host forwarding rule") else {
                throw Failure(
                    .unavailable, "QEMU cannot start a machine with hardware '\(profile.rawValue)'",
                    details: messages.split(separator: "\n").map(String.init),
                    advice: "reproduce with: \(command.command.shellLine)")
            }
            attempt += 1
        }
    }

    /// The disk of the image, or a copy if it is in a compressed archive, which QEMU cannot read.
    private func disk(in directory: String) async throws -> QemuBlockNode {
        guard image.format == .gcp else { return try QemuBlockNode(path: path, format: image.format) }
        let copy = "\(directory)/\(DiskArchive.diskName)"
        try await DiskArchive(path: path).unpack(to: copy, runner)
        return QemuBlockNode(driver: "raw", path: copy)
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

    /// Whether QEMU ended without removing its pid file, as it does on every exit of its own.
    var hasCrashed: Bool { fileExists(command.pidFile) }

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

    /// Ends the guests of this process at once and removes their files, for an exit without any other clean-up.
    package func abandon() {
        for (process, name) in guests() where name.starter == GuestName.ownStarter {
            let directory = Self.directory(commandLine: commandLine(of: process.pid))
            process.signal(SIGKILL)
            if let directory { try? FileManager.default.removeItem(atPath: directory) }
        }
    }

    /// The disks that guests write to, whoever started them.
    package func keptDisks() -> [KeptDisk.Use] {
        guests().compactMap { process, _ in KeptDisk.Use(commandLine: commandLine(of: process.pid)) }
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
