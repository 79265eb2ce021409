import ArgumentParser
import DiskImages
import FoundationEssentials
import LocalProvider
import Reporting
import Sandbox
import Verification

/// `dss verify-vm`
struct VerifyVM: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-vm",
        abstract: "Boot an exported image in QEMU and verify the sandbox",
        discussion: """
            Boots two copies of the image, changes the default password of one as a user would, and checks \
            JupyterLab, Docker, Poetry, the message of the day, and everything that sealing must remove. Starts a \
            kernel, runs the notebooks of the sandbox, and imports every installed distribution; without KVM, leave \
            this out with '--checks system'. Never writes to the image itself.

            Boots on the hardware that the format is for: a VHD on Hyper-V's, a VHDX by UEFI, a VMDK on VMware's, an OVA \
            on VirtualBox's, any other image on QEMU's. Give the default password of the image with \
            --default-password-file, --ask-default-password or DSS_DEFAULT_PASSWORD.

            Exits with 1 if a check fails.

            Examples:
              dss verify-vm sandbox.vmdk --ask-default-password
              dss verify-vm sandbox.qcow2 --hardware qemu-uefi \\
                  --default-password-file secret.txt --json
            """)

    @Argument(help: "Image to verify, in any format of create-vm", completion: .file())
    var image: String

    @Option(help: "Virtual hardware to boot on (default: what the format of the image is for)")
    var hardware: Hardware?

    @OptionGroup var password: PasswordOptions
    @OptionGroup var output: OutputOptions

    @Option(
        help: """
            Checks to run: login only tries to log in and to open JupyterLab, system checks everything except what \
            runs in kernels, which takes many minutes without KVM
            """)
    var checks = CheckScope.all

    @Option(
        help: ArgumentHelp("Directory for the console log if a check fails", valueName: "folder"),
        completion: .directory)
    var logs = "."

    func run(in live: Live) async throws {
        // Nobody should type a password for a file that is no image.
        let hardware = try Hardware.chosen(hardware, for: live.absolute(image))
        let secret = try password.knownPassword(in: live)
        let manifest = live.manifest(beside: image)
        let expected = Expectations(
            user: manifest?.user ?? "ubuntu", password: secret,
            jupyterPort: manifest?.jupyterPort ?? 49494,
            missing: manifest?.missing ?? [])
        let host = try await QemuGuestHost(
            image: image, on: hardware,
            options: .init(jupyterPort: expected.jupyterPort, assetID: manifest?.assetID.rawValue ?? "unknown"),
            runner: live.runner)
        let writer = CheckWriter(live, json: output.json)
        writer.begin("\(image) on \(host.hardware), \(host.accelerator)")
        let report = try await verifyVM(
            image: image, on: host, expecting: expected, runner: live.runner, scope: checks, logs: logs,
            onProgress: writer.progress, onCheck: writer.check)
        writer.end(report)
        if !report.passed { throw ExitCode(Failure.Code.failed.rawValue) }
    }
}

extension Hardware: ExpressibleByArgument {
    /// The hardware that was asked for, else the one that the format of the image is for.
    /// - Throws: `Failure` if the file is no image, whatever was asked for.
    static func chosen(_ option: Hardware?, for image: String) throws -> Hardware {
        let format = try ImageInspector.signature(of: image).format
        return option ?? .usual(for: format)
    }
}

extension CheckScope: ExpressibleByArgument {}
