import AWSCore
import AWSProvider
import ArgumentParser
import Reporting
import Sandbox

/// `dss make-ami-public`
struct MakeAMIPublic: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-ami-public",
        abstract: "Make an AMI and its snapshots public",
        discussion: """
            Allows every AWS account to launch the AMI and read its snapshots. Makes the AMI and all its snapshots \
            public, or none of them. First checks the quota for public AMIs, the account's public access blocks, and \
            encryption.

            Examples:
              dss make-ami-public --asset-id 0.1.0
              dss make-ami-public ami-0123456789abcdef0 --region eu-central-1 --yes
              dss make-ami-public --asset-id 0.1.0 --undo
            """)

    @OptionGroup var image: ImageOptions

    @Flag(help: "Make the AMI and its snapshots private again")
    var undo = false

    @Flag(help: .yes)
    var yes = false

    @Flag(help: .json)
    var json = false

    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    func run(in live: Live) async throws {
        let change = try await live.withImages(aws, definition) { client, names in
            try await AMIVisibility.set(public: !undo, of: image.search, in: client, names: names) { state in
                if !yes { try await ask(state, client.region, live) }
            }
        }
        live.show(Self.table(change.before, change.after), json: json)
    }

    private func ask(_ state: AMIVisibility.State, _ region: String, _ live: Live) async throws {
        let things = "\(state.imageID) (\(state.name)) and \(state.snapshots.map(\.id).joined(separator: ", "))"
        let question = "Make \(things) in \(region) \(undo ? "private" : "public")?"
        try await live.confirm(question, orElse: "nothing was changed")
    }

    private static func table(_ before: AMIVisibility.State, _ after: AMIVisibility.State) -> Table {
        let rows: [[Table.Cell]] =
            [["ami", .init(before.imageID), cell(before.isPublic), cell(after.isPublic)]]
            + zip(before.snapshots, after.snapshots).map {
                ["snapshot", .init($0.id), cell($0.isPublic), cell($1.isPublic)]
            }
        let columns: [Table.Column] = [.init("type"), .init("id"), .init("before"), .init("now")]
        return Table(columns, rows: rows, notes: before == after ? ["nothing to change"] : [])
    }

    private static func cell(_ isPublic: Bool) -> Table.Cell {
        .init(isPublic ? "public" : "private", ink: isPublic ? .yellow : nil)
    }
}
