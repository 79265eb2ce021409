import AWSTestSupport
import Foundation
import GuestTestSupport
import Sandbox
import Workbench

/// Behind the emulator's instances, for as long as each runs, a pretend guest that makes its own host keys, tells them
/// on its console as cloud-init does, and forces a new password.
struct InstanceGuests: Sendable {
    let folder: String
    /// Of JupyterLab, on the guest that is the first copy.
    let jupyterPort: Int
    /// Shell commands by which both copies differ from a good guest.
    let twist: String

    /// For `--ssh-config`: leads from the instances' addresses to the guests' ports.
    var sshConfig: String { "\(folder)/ssh_config" }

    static func with<Result: Sendable>(
        _ emulator: AWSEmulator, twist: String = Self.tellingKeys,
        _ body: @escaping @Sendable (InstanceGuests) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { folder in
            let room = InstanceGuests(folder: folder, jupyterPort: try freePort(), twist: twist)
            try makeDirectory("\(folder)/hosts")
            try writeAtomically("Include \(folder)/hosts/*\n", to: room.sshConfig)
            try await emulator.control(["knobs": ["machine_room": folder]])
            return try await withThrowingTaskGroup(of: Result?.self) { group in
                for copy in ["first", "second"] {
                    group.addTask {
                        try await room.play(copy)
                        return nil
                    }
                }
                group.addTask { try await body(room) }
                defer { group.cancelAll() }
                while let result = try await group.next() { if let result { return result } }
                throw CancellationError()
            }
        }
    }

    static let tellingKeys = """
        echo '-----BEGIN SSH HOST KEY KEYS-----'
        cat /etc/ssh/ssh_host_ed25519_key.pub
        echo '-----END SSH HOST KEY KEYS-----'

        """

    /// What only a booted system with systemd and a disk has.
    private static let systemd = """
        cat >/usr/local/bin/systemctl <<'END'
        #!/bin/sh
        case $1 in is-system-running) echo running ;; esac
        END
        cat >/usr/local/bin/systemd-analyze <<'END'
        #!/bin/sh
        case $1 in time) echo 'Startup finished in 9s' ;; blame) echo '1.200s ssh.service' ;; esac
        END
        printf '#!/bin/sh\necho /dev/pretend\n' >/usr/local/bin/findmnt
        chmod 755 /usr/local/bin/*
        [ -e /usr/bin/sudo ] || chmod 4755 /usr/local/bin/python-as-root
        mount -t tmpfs tmpfs /sys/class/block
        mkdir /sys/class/block/pretend
        echo 0 >/sys/class/block/pretend/start
        echo $(($(df -B1 --output=size / | tail -n 1) / 512)) >/sys/class/block/pretend/size
        cp /sys/class/block/pretend/size /sys/class/block/size

        """

    /// Plays one copy from its launch to its end.
    private func play(_ copy: String) async throws {
        let instance = try await note { $0.state == "running" && $0.isCopy(copy) }
        // All copies share the ports of this machine, so only one can listen where the image says.
        let guest = FakeGuest(
            twist: Self.systemd + twist, jupyterPort: copy == "first" ? jupyterPort : nil, shownPort: jupyterPort)
        try await guest.withGuest(copy) { address in
            try writeAtomically(
                "Host \(instance.address ?? "")\n  HostName 127.0.0.1\n  Port \(address.sshPort)\n",
                to: "\(folder)/hosts/\(copy)")
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/\(instance.id).console", withDestinationPath: address.consoleLog)
            _ = try await note { $0.id == instance.id && $0.state == "terminated" }
        }
    }

    /// What the emulator writes of an instance.
    struct Note: Decodable {
        var id: String
        var state: String
        var address: String?
        var tags: [String: String]
        var userData: String

        enum CodingKeys: String, CodingKey {
            case id, state, address, tags
            case userData = "user_data"
        }

        func isCopy(_ name: String) -> Bool { tags.values.contains { $0.hasSuffix("-verify-\(name)") } }
    }

    /// Of all instances so far.
    func notes() throws -> [Note] {
        try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasPrefix("i-") && $0.hasSuffix(".json") }
            .map { try JSONDecoder().decode(Note.self, from: Data(contentsOf: URL(filePath: "\(folder)/\($0)"))) }
    }

    private func note(_ fits: (Note) -> Bool) async throws -> Note {
        while true {
            if let note = try notes().first(where: fits) { return note }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
