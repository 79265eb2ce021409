/// The body of query and ec2 requests: `Action=…&Version=…&Filter.1.Name=…`.
struct FormBody {
    /// How the numbered entries of a list are named.
    enum ListStyle: Sendable {
        /// `Parameters.member.1`, the query protocol.
        case member
        /// `ImageId.1`, ec2.
        case plain
    }

    private(set) var bytes: [UInt8]
    let lists: ListStyle

    init(action: String, version: String, lists: ListStyle) {
        bytes = Array("Action=\(action)&Version=\(version)".utf8)
        self.lists = lists
    }

    mutating func add(_ value: WireValue, at name: String = "") {
        switch value {
        case .text(let text):
            bytes.append(UInt8(ascii: "&"))
            bytes += percentEncoded(name).utf8
            bytes.append(UInt8(ascii: "="))
            bytes += percentEncoded(text).utf8
        case .list(let items):
            for (index, item) in items.enumerated() {
                add(item, at: lists == .member ? "\(name).member.\(index + 1)" : "\(name).\(index + 1)")
            }
            // An empty list says "none", which differs from saying nothing; ec2 has no form for it.
            if items.isEmpty, lists == .member { add(.text(""), at: name) }
        case .structure(let members):
            for member in members { add(member.value, at: name.isEmpty ? member.name : "\(name).\(member.name)") }
        }
    }
}
