/// Named values with their origins, rendered as a list in text and as one object in JSON.
package struct FactSheet: Sendable {
    package struct Fact: Sendable {
        fileprivate var name: String
        fileprivate var text: String?
        fileprivate var key: String?
        fileprivate var value: JSONValue
        fileprivate var origin: String?

        /// - Parameters:
        ///   - key: key in JSON, where the origin has the key `<key>_from`.
        ///   - value: value in JSON; the text by default.
        package init(
            _ name: String, key: String? = nil, _ text: String, _ value: JSONValue? = nil, from origin: String? = nil
        ) {
            self.name = name
            self.text = text
            self.key = key ?? name
            self.value = value ?? .string(text)
            self.origin = origin
        }

        /// A fact that only the text output shows.
        package static func shown(_ name: String, _ text: String, from origin: String? = nil) -> Fact {
            var fact = Fact(name, text, from: origin)
            fact.key = nil
            return fact
        }

        /// A fact that only the JSON output contains.
        package static func json(_ key: String, _ value: JSONValue) -> Fact {
            var fact = Fact("", key: key, "", value)
            fact.text = nil
            return fact
        }
    }

    package var facts: [Fact]

    package init(_ facts: [Fact]) {
        self.facts = facts
    }

    /// The facts as text. Values are never wrapped, so that they can be copied; origins are wrapped to the terminal's
    /// width.
    package func text(_ style: Style) -> String {
        let margin = (facts.map(\.name.displayWidth).max() ?? 0) + 2
        return facts.flatMap { fact -> [String] in
            guard let text = fact.text else { return [] }
            let value = [style.paint(fact.name.padded(to: margin), .bold) + text.printableLine]
            let origin = fact.origin?.printableLine.wrapped(to: max(20, style.width - margin)) ?? []
            return value + origin.map { String(repeating: " ", count: margin) + style.paint($0, .dim) }
        }.map { $0 + "\n" }.joined()
    }

    /// A JSON object with the facts in order.
    package var json: JSONValue {
        var members: [(String, JSONValue)] = []
        for fact in facts {
            guard let key = fact.key else { continue }
            members.append((key, fact.value))
            if let origin = fact.origin { members.append(("\(key)_from", .string(origin))) }
        }
        return .object(members)
    }
}
