import ArgumentParser
import DiskImages
import LocalProvider
import Reporting
import Sandbox
import Verification
import Workbench

/// `dss inspect`
struct InspectCommand: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Account for every file of an image without booting it",
        discussion: """
            Reads the files of the image and looks for the origin of each: a Debian package or a Python distribution \
            that recorded its digest, a step of the build that generates it, such as the initial RAM disk, or a role \
            that declares it in its files.txt. Prints all other files, and files whose content differs from what was \
            recorded. Also checks what must be the same in every image: the users and groups, the host name and the \
            empty machine-id.

            Exits with 1 if there are unknown files. Accept them by name with --accept, or declare them in \
            playbook/roles/ROLE/files.txt. Needs space in /var/tmp for the disk and its files.

            Examples:
              dss inspect sandbox.vmdk
              dss inspect sandbox.qcow2 --accept /etc/cron.d/backup --json
              dss inspect root-file-system --definition mine/sandbox.yaml
            """)

    @Argument(
        help: "Image to inspect, in any format of create-vm, or a directory with a root file system",
        completion: .file())
    var image: String

    @Option(
        help: ArgumentHelp(
            "Accept an unknown file, or a directory with all that is in it (repeatable)", valueName: "path"))
    var accept: [String] = []

    @OptionGroup var definition: DefinitionOptions

    @Flag(help: .json)
    var json = false

    func validate() throws {
        if let path = accept.first(where: { !$0.hasPrefix("/") || $0 == "/" }) {
            throw ValidationError("--accept needs an absolute path in the image below /, not '\(path)'")
        }
    }

    func run(in live: Live) async throws {
        let report = try await live.inspect(live.absolute(image), accept, definition)
        live.show(report.table(grouped: !json), json: json)
        if !report.passed { throw ExitCode(Failure.Code.failed.rawValue) }
    }
}

extension Live {
    fileprivate func inspect(
        _ image: String, _ accepted: [String], _ options: DefinitionOptions
    ) async throws -> InspectionReport {
        let definition = try definition(ifPresent: options)
        let user = definition?.user.name ?? manifest(beside: image)?.user ?? "ubuntu"
        let system = ExpectedSystem(user: user)
        let inspection = Inspection(
            system, declarations: try declarations(of: definition?.playbook.file, system), accepted: accepted)
        if FileKind(of: image) == .directory {
            guard fileExists("\(image)/etc") else {
                throw Failure(
                    .badData, "\(image) has no root file system", advice: "name an image, or a directory that has /etc")
            }
            return try await inspection.run(DirectoryTree(image))
        }
        let line = ActivityLine(self)
        defer { line.clear() }
        let events = line.sink
        let progress: ProgressSink = { events(.progress(.capture, $0)) }
        return try await RootFileSystemReader(runner: runner).withFiles(
            of: image, progress: progress
        ) { root in
            try await inspection.run(DirectoryTree(root))
        }
    }

    /// What the roles beside a playbook declare, or those that came with this program.
    private func declarations(of playbook: String?, _ system: ExpectedSystem) throws -> [FileDeclaration] {
        let folder = playbook.map(parentDirectory) ?? ProgramFolder.path.map { "\($0)/playbook" }
        return try folder.map { try FileDeclaration.all(of: "\($0)/roles", system) } ?? []
    }
}

extension InspectionReport {
    /// The unknown files, and the number of known files of each origin.
    /// - Parameter grouped: Whether a directory in which nothing is known stands for its content.
    func table(grouped: Bool) -> Table {
        let counts = Origin.allCases.compactMap { origin in
            files[origin].map { "\($0) \(origin.rawValue)" }
        }
        let rows = grouped ? self.grouped : unknown
        let total = unknown.reduce(0) { $0 + $1.files }
        return Table(
            [.init("unknown", key: "path", fit: .wraps), .init("files", .right), .init("reason", fit: .wraps)],
            rows: rows.map {
                [Table.Cell($0.path), Table.Cell("\($0.files)", .count($0.files)), Table.Cell($0.reason)]
            },
            empty: "no unknown files",
            notes: ["", "known files: \(counts.joined(separator: ", "))"]
                + (passed
                    ? [] : ["unknown files: \(total); accept with --accept PATH, or declare in a role's files.txt"]))
    }
}
