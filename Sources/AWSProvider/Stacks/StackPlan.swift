import AWSServices

/// What executing a change set would do, to be shown before.
package struct StackPlan: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case create, update
    }

    package var stack: String
    package var region: String
    package var kind: Kind
    package var changes: [PlannedChange]
    package var settings: [PlannedSetting]

    package init(
        stack: String, region: String, kind: Kind, changes: [PlannedChange], settings: [PlannedSetting] = []
    ) {
        self.stack = stack
        self.region = region
        self.kind = kind
        self.changes = changes
        self.settings = settings
    }
}

/// What happens to one resource of a stack.
package struct PlannedChange: Sendable, Equatable {
    package enum Action: String, Sendable, CaseIterable {
        case add, change
        /// Made anew and the old one removed: what is in it is lost, and its id changes.
        case replace
        /// AWS knows only when it gets there.
        case mayReplace = "may replace"
        case remove
        /// Taken into the stack, or decided by AWS on the way.
        case other
    }

    package var action: Action
    /// Its name in the template.
    package var resource: String
    package var type: String
    package var id: String?
    /// Properties and attributes that change, where AWS says so.
    package var properties: [String]

    package init(_ action: Action, _ resource: String, type: String, id: String? = nil, properties: [String] = []) {
        self.action = action
        self.resource = resource
        self.type = type
        self.id = id
        self.properties = properties
    }

    init?(_ change: CloudFormation.Change) {
        guard let change = change.resourceChange else { return nil }
        let names = change.details.compactMap { $0.target?.name ?? $0.target?.attribute }
        self.init(
            Action(change), change.logicalResourceId ?? "?", type: change.resourceType ?? "?",
            id: change.physicalResourceId,
            properties: Array(Set(names.isEmpty && change.action == "Modify" ? change.scope : names)).sorted())
    }
}

extension PlannedChange.Action {
    init(_ change: CloudFormation.ResourceChange) {
        self =
            switch (change.action, change.replacement) {
            case ("Add", _): .add
            case ("Remove", _): .remove
            case ("Modify", "True"): .replace
            case ("Modify", "Conditional"): .mayReplace
            case ("Modify", _): .change
            default: .other
            }
    }
}

/// A parameter whose value is set or changes.
package struct PlannedSetting: Sendable, Equatable {
    package var name: String
    /// `nil` where the stack does not have it yet.
    package var before: String?
    package var after: String

    package init(_ name: String, before: String?, after: String) {
        self.name = name
        self.before = before
        self.after = after
    }

    static func all(from present: [String: String], to values: [String: String]) -> [PlannedSetting] {
        values.filter { present[$0.key] != $0.value }.sorted { $0.key < $1.key }
            .map { PlannedSetting($0.key, before: present[$0.key], after: $0.value) }
    }
}
