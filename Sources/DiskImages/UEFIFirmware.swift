import Sandbox
import Workbench

/// The files of OVMF: the program, which is shared, and the variables, of which each guest gets a copy.
package struct UEFIFirmware: Sendable, Equatable {
    package var code: String
    package var variables: String

    /// Where Debian and Ubuntu, Fedora, Arch and openSUSE put them; without Secure Boot, because the boot loader
    /// that is made here carries no signature.
    static let candidates = [
        UEFIFirmware(code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        UEFIFirmware(code: "/usr/share/OVMF/OVMF_CODE.fd", variables: "/usr/share/OVMF/OVMF_VARS.fd"),
        UEFIFirmware(code: "/usr/share/edk2/ovmf/OVMF_CODE.fd", variables: "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
        UEFIFirmware(code: "/usr/share/edk2/x64/OVMF_CODE.4m.fd", variables: "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
        UEFIFirmware(
            code: "/usr/share/qemu/ovmf-x86_64-code.bin", variables: "/usr/share/qemu/ovmf-x86_64-vars.bin"),
    ]

    package init(code: String, variables: String) {
        self.code = code
        self.variables = variables
    }

    /// - Throws: `Failure` with code `.unavailable` that names the package.
    package static func installed() throws -> UEFIFirmware {
        guard let found = candidates.first(where: { fileExists($0.code) && fileExists($0.variables) }) else {
            throw Failure(
                .unavailable, "the UEFI firmware for virtual machines is not installed",
                advice: "sudo apt-get install ovmf")
        }
        return found
    }
}
