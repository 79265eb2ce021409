import Sandbox

/// What kind of machine an AMI that was not captured from one is for.
package struct ImageTraits: Sendable, Equatable {
    package enum BootMode: String, Sendable, CaseIterable {
        case legacyBIOS = "legacy-bios"
        case uefi
        /// Boots either way; UEFI where the machine has it.
        case uefiPreferred = "uefi-preferred"
    }

    package var architecture: Architecture
    package var bootMode: BootMode

    /// - Throws: `Failure` where the two do not go together: machines with AWS's ARM processors have UEFI alone.
    ///   Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-boot.html>
    package init(_ architecture: Architecture = .amd64, bootMode: BootMode? = nil) throws {
        self.architecture = architecture
        self.bootMode = bootMode ?? (architecture == .arm64 ? .uefi : .uefiPreferred)
        guard architecture != .arm64 || self.bootMode == .uefi else {
            throw Failure(.usage, "machines of the architecture arm64 boot by UEFI alone", advice: "--boot-mode uefi")
        }
    }

    /// As EC2 calls the architecture.
    var name: String { architecture == .arm64 ? "arm64" : "x86_64" }
}
