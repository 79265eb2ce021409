import AWSCore
import AWSProvider
import ArgumentParser
import Reporting
import Sandbox

/// `dss make-ami-public`
struct MakeAMIPublic: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-ami-public",
        abstract: "Lets everybody start machines from an AMI and read its snapshot.",
        discussion: """
            Image and snapshots become public, or none of them. Before that the quota for public AMIs, what the \
            account blocks, and encryption are looked at.

            Examples:
              dss make-ami-public --asset-id 0.1.0
              dss make-ami-public ami-0123456789abcdef0 --region eu-central-1 --yes
              dss make-ami-public --asset-id 0.1.0 --undo
            """)

    @OptionGroup var image: ImageOptions

    @Flag(help: "Makes them private again.")
    var undo = false

    @Flag(help: "Does not ask.")
    var yes = false

    @Flag(help: "Prints JSON.")
    var json = false

    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    func run() async throws {
        let wanted = !undo
        let (before, after) = try await Live().withImages(aws, definition) { client, names in
            let publicity = AMIPublicity(client)
            let id = try await image.search.find(in: client, names: names).id
            let before = try await publicity.state(of: id)
            guard !before.isAll(public: wanted) else { return (before, before) }
            if wanted { try await publicity.check(id) }
            try await ask(before, client.region)
            if wanted {
                try await undoingOnFailure { try await publicity.makePublic(before, undo: $0) }
            } else {
                try await publicity.makePrivate(before)
            }
            return (before, try await publicity.state(of: id))
        }
        let table = Self.table(before, after)
        Terminal.standardOutput.write(table.rendered(as: json ? .json : .text, Terminal.standardOutput.style))
    }

    private func ask(_ state: AMIPublicity.State, _ region: String) async throws {
        guard !yes else { return }
        let things = "\(state.imageID) (\(state.name)) and \(state.snapshots.map(\.id).joined(separator: ", "))"
        guard Question.canBeAsked else {
            throw Failure(
                .usage, "nothing was changed: there is no terminal to ask on", advice: "add --yes to do this unasked")
        }
        let question = "Make \(things) in \(region) \(undo ? "private" : "public to everybody")?"
        guard try await Question.isAnsweredYes(question) else { throw Failure(.usage, "nothing was changed") }
    }

    private static func table(_ before: AMIPublicity.State, _ after: AMIPublicity.State) -> Table {
        let rows: [[Table.Cell]] =
            [["ami", .init(before.imageID), cell(before.isPublic), cell(after.isPublic)]]
            + zip(before.snapshots, after.snapshots).map {
                ["snapshot", .init($0.id), cell($0.isPublic), cell($1.isPublic)]
            }
        let columns: [Table.Column] = [.init("type"), .init("id"), .init("before"), .init("now")]
        return Table(columns, rows: rows, notes: before == after ? ["nothing had to be changed"] : [])
    }

    private static func cell(_ isPublic: Bool) -> Table.Cell {
        .init(isPublic ? "public" : "private", ink: isPublic ? .yellow : nil)
    }
}
