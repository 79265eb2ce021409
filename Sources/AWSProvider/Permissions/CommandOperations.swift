import AWSCore
import AWSServices

/// What a command asks AWS for: the operations that it calls, and the templates that CloudFormation carries out with
/// the caller's permissions.
package struct CommandOperations: Sendable {
    /// Which stacks a command looks at or changes.
    package enum Stacks: Sendable, CaseIterable {
        /// Those of build machines.
        case build
        /// Those that are deployed once for an account.
        case permanent
        /// All, since a list of them cannot be narrowed.
        case all
    }

    package var command: String
    package var operations: [any AWSCore.Operation.Type]
    package var templates: [StackTemplate]
    package var reads: Set<Stacks>
    package var changes: Set<Stacks>
    /// Whether it stores what stands above all builds in the bucket: the page that people download from.
    package var writesPage: Bool

    init(
        _ command: String, _ operations: [any AWSCore.Operation.Type]..., templates: [StackTemplate] = [],
        reads: Set<Stacks> = [], changes: Set<Stacks> = [], writesPage: Bool = false
    ) {
        self.command = command
        self.operations = operations.flatMap(\.self)
        self.templates = templates
        self.reads = reads
        self.changes = changes
        self.writesPage = writesPage
    }

    /// What a command needs, or all commands together.
    /// - Returns: `nil` where no command of that name calls AWS.
    package static func of(_ command: String? = nil) -> CommandOperations? {
        guard let command else {
            var all = CommandOperations("")
            for one in table { all.add(one) }
            return all
        }
        return table.first { $0.command == command }
    }

    private mutating func add(_ other: CommandOperations) {
        operations += other.operations
        templates += other.templates.filter { !templates.contains($0) }
        reads.formUnion(other.reads)
        changes.formUnion(other.changes)
        writesPage = writesPage || other.writesPage
    }

    /// IAM actions, in order.
    package var permissions: [String] {
        Set(operations.flatMap { $0.permissions } + templates.flatMap(\.permissions)).sorted()
    }

    /// Whether an operation that was called is among those declared.
    /// - Parameter service: the name with which it is signed.
    package func covers(service: String, action: String) -> Bool {
        operations.contains { $0.service.signingName == service && $0.name == action }
    }
}
