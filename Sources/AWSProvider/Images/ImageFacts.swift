import AWSServices
import FoundationEssentials
import Sandbox

/// What an AMI carries in its tags, so that a later run needs no record of the one that made it.
package struct ImageFacts: Sendable, Equatable {
    /// Hash of all that went into it but the password.
    package var inputs: String
    package var missing: [MissingComponent]
    package var user: String
    package var jupyterPort: Int

    package init(inputs: String, missing: [MissingComponent], user: String, jupyterPort: Int) {
        self.inputs = inputs
        self.missing = missing
        self.user = user
        self.jupyterPort = jupyterPort
    }

    package enum Key {
        package static let inputs = "dss-inputs"
        package static let missing = "dss-missing"
        package static let user = "dss-user"
        package static let jupyterPort = "dss-jupyter-port"
    }

    package var tags: [EC2.Tag] {
        [
            EC2.Tag(key: Key.inputs, value: inputs), EC2.Tag(key: Key.missing, value: MissingTag.text(missing)),
            EC2.Tag(key: Key.user, value: user), EC2.Tag(key: Key.jupyterPort, value: "\(jupyterPort)"),
        ]
    }

    /// - Returns: `nil` where this program has not made the image, or an early version of it has.
    package init?(_ tags: [EC2.Tag]) {
        let values = Dictionary(tags.map { ($0.key, $0.value) }) { first, _ in first }
        guard let inputs = values[Key.inputs], let user = values[Key.user],
            let port = values[Key.jupyterPort].flatMap({ Int($0) })
        else { return nil }
        self.init(
            inputs: inputs, missing: values[Key.missing].map(MissingTag.components) ?? [], user: user,
            jupyterPort: port)
    }
}

/// Missing components as the value of a tag: a JSON list of pairs, `[["docker","no network"]]`.
///
/// AWS takes 256 characters. Where they do not suffice, reasons are cut first, all to the same length, and only then
/// components, so that it stays JSON and as many of them as possible are named.
package enum MissingTag {
    private static let limit = 255

    package static func text(_ missing: [MissingComponent]) -> String {
        let longest = missing.map(\.reason.count).max() ?? 0
        for length in stride(from: longest, through: 0, by: -1) {
            let text = json(missing.map { [$0.component, cut($0.reason, to: length)] })
            if text.utf16.count <= limit { return text }
        }
        for count in stride(from: missing.count - 1, through: 0, by: -1) {
            let rest = ["\(missing.count - count) more", ""]
            let text = json(missing.prefix(count).map { [$0.component, ""] } + [rest])
            if text.utf16.count <= limit { return text }
        }
        return "[]"
    }

    package static func components(_ text: String) -> [MissingComponent] {
        let pairs = (try? JSONDecoder().decode([[String]].self, from: Data(text.utf8))) ?? []
        return pairs.filter { $0.count == 2 }.map { MissingComponent(component: $0[0], reason: $0[1]) }
    }

    private static func cut(_ reason: String, to length: Int) -> String {
        reason.count <= length ? reason : length < 2 ? "" : reason.prefix(length - 1) + "…"
    }

    private static func json(_ pairs: [[String]]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(pairs)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
    }
}
