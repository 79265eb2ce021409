import ArgumentParser
import FoundationEssentials
import Reporting
import Sandbox
import Workbench

/// `dss doctor`
struct Doctor: DssCommand {
    static let configuration = CommandConfiguration(
        abstract: "List external tools with their versions and packages",
        discussion: "Exits with 69 if a tool is missing.\n\nExample:\n  dss doctor")

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var output: OutputOptions

    func run(in live: Live) async throws {
        let tools = await withTaskGroup(of: (Int, ToolStatus).self) { group in
            for (index, tool) in Tool.all.enumerated() {
                group.addTask {
                    (index, await tool.status(live.runner, path: live.tool(tool.name, definition)))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
        live.show(.tools(tools), json: output.json)
        if tools.contains(where: { $0.version == nil }) { throw ExitCode(Failure.Code.unavailable.rawValue) }
    }
}

/// An external program, the package that provides it, and what it is needed for.
struct Tool: Sendable {
    var name: String
    var package: String
    var neededFor: String
    /// The arguments that make the program print its version.
    var versionArguments: [String] = ["--version"]

    static let all: [Tool] = [
        Tool(name: "mmdebstrap", package: "mmdebstrap", neededFor: "base file system"),
        Tool(name: "systemd-nspawn", package: "systemd-container", neededFor: "build machine"),
        Tool(name: "slirp4netns", package: "slirp4netns", neededFor: "build machine's network"),
        Tool(name: "ip", package: "iproute2", neededFor: "build machine's network", versionArguments: ["-V"]),
        Tool(name: "nsenter", package: "util-linux", neededFor: "build machine's network"),
        Tool(name: "nc", package: "netcat-openbsd", neededFor: "build machine's network", versionArguments: ["-h"]),
        Tool(name: "ssh", package: "openssh-client", neededFor: "install, seal, checks", versionArguments: ["-V"]),
        Tool(name: "ssh-keygen", package: "openssh-client", neededFor: "build keys", versionArguments: []),
        Tool(name: "ansible-playbook", package: "ansible-core", neededFor: "install"),
        Tool(name: "openssl", package: "openssl", neededFor: "password hash", versionArguments: ["version"]),
        Tool(name: "sfdisk", package: "fdisk", neededFor: "partitions"),
        Tool(name: "mke2fs", package: "e2fsprogs", neededFor: "root file system", versionArguments: ["-V"]),
        Tool(name: "mformat", package: "mtools", neededFor: "EFI system partition"),
        Tool(name: "grub-mkimage", package: "grub-common", neededFor: "boot loader"),
        Tool(name: "qemu-img", package: "qemu-utils", neededFor: "image formats"),
        Tool(name: "qemu-system-x86_64", package: "qemu-system-x86", neededFor: "verify-vm"),
        Tool(name: "curl", package: "curl", neededFor: "verify-vm"),
        Tool(name: "getfattr", package: "attr", neededFor: "Docker image"),
        Tool(name: "pigz", package: "pigz", neededFor: "Docker image, gcp image"),
        Tool(name: "zstd", package: "zstd", neededFor: "Docker image"),
        Tool(name: "skopeo", package: "skopeo", neededFor: "image registries"),
        Tool(name: "umoci", package: "umoci", neededFor: "verify-docker-image"),
        Tool(name: "runc", package: "runc", neededFor: "verify-docker-image"),
        Tool(name: "apt-get", package: "apt", neededFor: "pins"),
        Tool(name: "git", package: "git", neededFor: "pins"),
    ]

    /// The command that installs a missing program.
    static func advice(for executable: String) -> String {
        if let environment = VirtualEnvironment(of: executable) {
            return
                "the virtual environment was moved, or Python was upgraded; create it again with: \(environment.repair)"
        }
        let name = baseName(executable)
        let package = all.first { $0.name == name }?.package
        return package.map { "sudo apt-get install \($0)" } ?? "run 'dss doctor' to list the required tools"
    }

    /// Runs the program to get its version; a program that cannot be run counts as missing. In a virtual environment of
    /// another Python, a program starts and fails.
    func status(_ runner: any CommandRunner, path: String? = nil) async -> ToolStatus {
        let environment = VirtualEnvironment(of: path ?? name)
        let said = try? await runner.execute(Command(path ?? name, versionArguments))
        let output = said.flatMap { environment == nil || $0.status.isSuccess ? $0 : nil }
        let text = output.map { $0.standardOutput + $0.standardError } ?? ""
        let version = text.firstMatch(of: /\d+(\.\d+)+[-\w.+~]*/).map { String($0.output.0) }
        return ToolStatus(
            name: name, version: output.map { _ in version ?? "installed" }, package: package, neededFor: neededFor,
            repair: output == nil ? environment?.repair : nil)
    }
}

/// The virtual environment `.venv` of Python that contains a program.
private struct VirtualEnvironment {
    var folder: String

    /// - Returns: `nil` for a program that is not in one. One that was chosen there exists.
    init?(of program: String) {
        guard let range = program.firstRange(of: "/.venv/bin/") else { return nil }
        folder = canonicalPath(String(program[..<range.lowerBound]))
    }

    /// The command that creates it again: the script of the repository, or what the script does.
    var repair: String {
        let script = "\(folder)/tools/setup.sh"
        let new = "\(folder)/.venv"
        return fileExists(script)
            ? shellQuoted(script)
            : "python3 -m venv --clear \(shellQuoted(new)) && \(shellQuoted("\(new)/bin/pip")) install ansible-core"
    }
}
