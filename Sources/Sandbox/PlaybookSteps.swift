extension SandboxDefinition.Playbook {
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
