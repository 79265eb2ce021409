import Glibc
import Sandbox
import Workbench

/// The name under which a guest's process is found again: who started it, on what hardware, for which asset.
///
/// It stands in the process list as `-name dss-verify-PID.START/HARDWARE/GUEST/ASSET`; pid and start time tell
/// whether the starter still lives.
package struct GuestName: Sendable, Equatable, CustomStringConvertible {
    static let prefix = "dss-verify-"

    package var starter: String
    package var hardware: String
    package var guest: String
    package var assetID: String

    package init(starter: String, hardware: String, guest: String, assetID: String) {
        self.starter = starter
        self.hardware = Self.clean(hardware)
        self.guest = Self.clean(guest)
        self.assetID = Self.clean(assetID)
    }

    package init?(parsing text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let fields = text.dropFirst(Self.prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        guard fields.count == 4 else { return nil }
        self.init(
            starter: String(fields[0]), hardware: String(fields[1]), guest: String(fields[2]),
            assetID: String(fields[3]))
    }

    package var description: String { "\(Self.prefix)\(starter)/\(hardware)/\(guest)/\(assetID)" }

    /// This process as a starter.
    static var ownStarter: String { BackgroundProcess(pid: getpid()).map(starter(of:)) ?? "\(getpid()).0" }

    static func starter(of process: BackgroundProcess) -> String { "\(process.pid).\(process.startTime)" }

    var starterLives: Bool {
        guard let pid = starter.split(separator: ".").first.flatMap({ Int32($0) }),
            let process = BackgroundProcess(pid: pid)
        else { return false }
        return Self.starter(of: process) == starter
    }

    /// Commas part QEMU's options and slashes the fields.
    private static func clean(_ text: String) -> String {
        String(text.map { $0 == "," || $0 == "/" || $0.isNewline ? "_" : $0 })
    }
}
