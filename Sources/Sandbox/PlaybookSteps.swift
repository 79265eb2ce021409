extension SandboxDefinition.Playbook {
    /// The role at the end that runs after every step, so that caches and logs are gone before its state is kept;
    /// it is therefore none of `roles`.
    package static let tidyRole = "tidy"

    /// The roles cut behind each checkpoint, so that a change in a late role leaves the early ones in the cache.
    package var steps: [PlaybookStep] {
        var groups: [[String]] = [[]]
        for role in roles {
            groups[groups.count - 1].append(role)
            if checkpoints.contains(role) { groups.append([]) }
        }
        return groups.filter { !$0.isEmpty }.enumerated().map { PlaybookStep(index: $0.offset, roles: $0.element) }
    }
}
