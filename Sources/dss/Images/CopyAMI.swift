import AWSCore
import AWSProvider
import ArgumentParser
import Reporting
import Sandbox

/// `dss copy-ami`
struct CopyAMI: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy-ami",
        abstract: "Copy an AMI to other regions",
        discussion: """
            Copies to all regions in parallel. The AMI's tags, its deprecation date and the tags of its snapshots are \
            copied too. Regions that already have the copy are skipped; a failure in one region does not stop the \
            others. Ctrl-C removes unfinished copies.

            Exits with 1 if the copy to any region fails.

            Examples:
              dss copy-ami --asset-id 0.1.0 --to us-east-1 ap-southeast-2
              dss copy-ami ami-0123456789abcdef0 --region eu-central-1 --to us-east-1 \\
                  --public
            """)

    @OptionGroup var image: ImageOptions

    @Option(
        name: .customLong("to"), parsing: .upToNextOption,
        help: ArgumentHelp("Destination regions", valueName: "region"))
    var targets: [String] = []

    @Flag(name: .customLong("public"), help: "Make the copies public")
    var isPublic = false

    @Flag(help: .json)
    var json = false

    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    /// The destination regions without duplicates; `a,b` counts as two.
    private var regions: [String] {
        targets.flatMap { $0.split(separator: ",").map(String.init) }.reduce(into: []) { names, name in
            if !names.contains(name) { names.append(name) }
        }
    }

    func validate() throws {
        if regions.isEmpty { throw ValidationError("no destination region; use --to REGION") }
    }

    func run(in live: Live) async throws {
        let writer = EventWriter(live)
        let copies = try await writer.live {
            try await live.withImages(aws, definition, targets: regions) { client, names in
                try await copyAMI(
                    image.search, from: client, to: regions, isPublic: isPublic, names: names,
                    polling: try live.polling(), events: writer.sink, clock: live.clock)
            }
        }
        live.show(Self.table(copies), json: json)
        if copies.contains(where: { $0.error != nil }) { throw ExitCode(Failure.Code.failed.rawValue) }
    }

    private static func table(_ copies: [AMICopies.Copy]) -> Table {
        let hasFailed = copies.contains { $0.error != nil }
        let columns: [Table.Column] = [
            .init("region"), .init("AMI", key: "image_id"), .init("state"),
            .init("reason", fit: .wraps, in: hasFailed ? .everywhere : .programs),
        ]
        let rows: [[Table.Cell]] = copies.map { copy in
            let failure = copy.error.map { Failure(explaining: $0) }
            let reason = failure.map { ([$0.message] + $0.details + ($0.advice.map { ["→ \($0)"] } ?? [])) } ?? []
            return [
                .init(copy.region), .init(copy.imageID ?? "-", .text(copy.imageID)),
                .init(copy.state, ink: copy.error == nil ? .green : .red),
                .init(reason.joined(separator: "; "), .text(reason.isEmpty ? nil : reason.joined(separator: "; "))),
            ]
        }
        return Table(columns, rows: rows)
    }
}
