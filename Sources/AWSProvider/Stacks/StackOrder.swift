import Sandbox

/// What a stack is to be: template, values of its parameters, tags.
package struct StackOrder: Sendable, Equatable {
    package var name: String
    /// CloudFormation, in YAML, at most 51,200 bytes.
    package var template: String
    /// All parameters of the template.
    package var parameterNames: [String]
    /// Values that are set now. What is left out keeps the value that the stack has, or the template's default.
    /// A secret only where the template says NoEcho: everybody who may look at the stack sees the others.
    package var parameters: [String: String]
    /// Parameters without which the stack cannot be made, and the flags that set them.
    package var required: [String: String] = [:]
    package var capabilities: [String]
    package var tags: [String: String]
    /// Whether it is protected against being deleted by mistake.
    package var isProtected: Bool

    package init(
        name: String, template: String, parameterNames: [String], parameters: [String: String],
        capabilities: [String] = [], tags: [String: String] = [:], isProtected: Bool = true
    ) {
        self.name = name
        self.template = template
        self.parameterNames = parameterNames
        self.parameters = parameters
        self.capabilities = capabilities
        self.tags = tags
        self.isProtected = isProtected
    }

    /// The values to send for a stack that has these now.
    func values(over present: [String: String]) -> [String: String] {
        present.filter { parameterNames.contains($0.key) }.merging(parameters) { $1 }
    }

    /// - Throws: `Failure` that names the flags whose values the stack lacks.
    func checkRequired(over present: [String: String]) throws {
        let values = values(over: present)
        let missing = required.filter { values[$0.key] == nil }.map(\.value).sorted()
        guard missing.isEmpty else {
            throw Failure(
                .usage, "the first deployment of stack \(name) needs \(missing.joined(separator: " and "))",
                advice: "add what is missing and run it again; nothing was changed")
        }
    }
}

extension PermanentStack {
    package func order(_ parameters: [String: String]) -> StackOrder {
        var order = StackOrder(
            name: name, template: template, parameterNames: parameterNames, parameters: parameters,
            capabilities: capabilities, tags: ["created-by": "dss"])
        order.required = requiredParameters
        return order
    }
}
