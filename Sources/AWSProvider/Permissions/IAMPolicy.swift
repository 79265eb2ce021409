import AWSCore

/// The least that somebody must be allowed, as a policy of IAM.
package struct IAMPolicy: Sendable, Equatable {
    package struct Statement: Sendable, Equatable {
        package var sid: String
        /// In order.
        package var actions: [String]
        package var resources: [String]
        /// The services that a role may be given to; none where no role is.
        package var passedTo: [String]
    }

    package static let version = "2012-10-17"

    package var statements: [Statement]

    /// Actions of one service on the same kinds of things share a statement.
    package init(_ need: CommandOperations, _ scope: PolicyScope) {
        var actions: [PolicyKinds: [String]] = [:]
        for action in need.permissions { actions[PolicyKinds(of: action, need), default: []].append(action) }
        statements = actions.sorted { $0.key.sid < $1.key.sid }.map { kinds, actions in
            Statement(
                sid: kinds.sid, actions: actions,
                resources: kinds.names.isEmpty ? ["*"] : kinds.names.flatMap(scope.resources),
                passedTo: actions == ["iam:PassRole"] ? kinds.names.compactMap { PolicyKinds.services[$0] } : [])
        }
    }
}

/// The kinds of things that an action is done to.
struct PolicyKinds: Hashable {
    /// Of `PolicyScope`; none where AWS offers nothing narrower than all.
    var names: [String]
    var sid: String

    init(of action: String, _ need: CommandOperations) {
        let service = String(action.prefix { $0 != ":" })
        names = ActionResources.table[action] ?? []
        if service == "cloudformation", names == ["stack"] {
            let stacks = ActionResources.reading.contains(action) ? need.reads.union(need.changes) : need.changes
            names = (stacks.contains(.all) ? [.all] : stacks.sorted { "\($0)" < "\($1)" }).map { "stack-\($0)" }
        }
        if names == ["export-role"] { names = Self.roles(need) }
        if need.writesPage, names == ["object"] { names.append("page") }
        let title = { (name: String) in
            name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        }
        let pass = action == "iam:PassRole" ? "Pass" : ""
        sid = title(service) + pass + (names.isEmpty ? "All" : names.map(title).joined())
    }

    /// Who takes which role.
    static let services = ["export-role": "vmie.amazonaws.com", "build-role": "codebuild.amazonaws.com"]

    /// Whose roles a command makes or passes.
    private static func roles(_ need: CommandOperations) -> [String] {
        let builds = need.templates.contains { [.ciCodeBuild, .releaseCodeBuild].contains($0) }
        let exports = need.templates.contains(.vmBucket) || need.operations.contains { $0.service.id == "IAM" }
        return (builds ? ["build-role"] : []) + (exports || !builds ? ["export-role"] : [])
    }
}
