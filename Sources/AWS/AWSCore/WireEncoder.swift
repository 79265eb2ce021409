import FoundationEssentials

/// Encodes an operation as a `WireValue`. Members that are `nil` are omitted; names follow the service's key style.
struct WireEncoder {
    static func encode(_ value: some Encodable, _ keys: KeyStyle) throws -> WireValue {
        let encoding = WireEncoding(keys: keys)
        try value.encode(to: encoding)
        return encoding.result
    }
}

/// A value being encoded. A class, because containers fill it after they have been returned.
private final class WireEncoding: Encoder {
    enum Content {
        case none
        case text(String)
        case list([WireEncoding])
        case structure([(String, WireEncoding)])
    }

    let keys: KeyStyle
    var content = Content.none
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(keys: KeyStyle) {
        self.keys = keys
    }

    var result: WireValue {
        switch content {
        case .none: .structure([])
        case .text(let text): .text(text)
        case .list(let items): .list(items.map(\.result))
        case .structure(let members): .structure(members.map { .init(name: $0.0, value: $0.1.result) })
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .none = content { content = .structure([]) }
        return KeyedEncodingContainer(Members<Key>(into: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        content = .list([])
        return Items(into: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(into: self) }

    /// Encodes a value with a wire format of its own, or lets the value encode itself.
    func encode<T: Encodable>(_ value: T) throws {
        switch value {
        case let text as String: content = .text(text)
        case let date as Date: content = .text(wireText(date))
        case let blob as Data: content = .text(blob.base64EncodedString())
        case let flag as Bool: content = .text(flag ? "true" : "false")
        case let number as any BinaryInteger: content = .text("\(number)")
        case let number as Double: content = .text("\(number)")
        default: try value.encode(to: self)
        }
    }

    struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let into: WireEncoding
        var codingPath: [any CodingKey] { [] }

        init(into: WireEncoding) { self.into = into }

        func add(_ key: Key) -> WireEncoding {
            let member = WireEncoding(keys: into.keys)
            if case .structure(var members) = into.content {
                into.content = .none
                members.append((into.keys.key(key.stringValue), member))
                into.content = .structure(members)
            }
            return member
        }

        mutating func encodeNil(forKey key: Key) {}
        mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try add(key).encode(value) }
        mutating func nestedContainer<NestedKey: CodingKey>(
            keyedBy keyType: NestedKey.Type, forKey key: Key
        ) -> KeyedEncodingContainer<NestedKey> { add(key).container(keyedBy: keyType) }
        mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            add(key).unkeyedContainer()
        }
        mutating func superEncoder() -> any Encoder { into }
        mutating func superEncoder(forKey key: Key) -> any Encoder { add(key) }
    }

    struct Items: UnkeyedEncodingContainer {
        let into: WireEncoding
        var codingPath: [any CodingKey] { [] }
        var count: Int {
            if case .list(let items) = into.content { items.count } else { 0 }
        }

        init(into: WireEncoding) { self.into = into }

        func add() -> WireEncoding {
            let item = WireEncoding(keys: into.keys)
            if case .list(var items) = into.content {
                into.content = .none
                items.append(item)
                into.content = .list(items)
            }
            return item
        }

        mutating func encodeNil() {}
        mutating func encode<T: Encodable>(_ value: T) throws { try add().encode(value) }
        mutating func nestedContainer<NestedKey: CodingKey>(
            keyedBy keyType: NestedKey.Type
        ) -> KeyedEncodingContainer<NestedKey> { add().container(keyedBy: keyType) }
        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { add().unkeyedContainer() }
        mutating func superEncoder() -> any Encoder { into }
    }

    struct Single: SingleValueEncodingContainer {
        let into: WireEncoding
        var codingPath: [any CodingKey] { [] }

        init(into: WireEncoding) { self.into = into }

        mutating func encodeNil() {}
        mutating func encode<T: Encodable>(_ value: T) throws { try into.encode(value) }
    }
}

/// The body of query and ec2 requests: `Action=…&Version=…&Filter.1.Name=…`.
struct FormBody {
    /// How the numbered entries of a list are named.
    enum ListStyle: Sendable {
        /// `Parameters.member.1`, as in the query protocol.
        case member
        /// `ImageId.1`, as in the ec2 protocol.
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
            // An empty list means "none", unlike a missing one; the ec2 protocol cannot express it.
            if items.isEmpty, lists == .member { add(.text(""), at: name) }
        case .structure(let members):
            for member in members { add(member.value, at: name.isEmpty ? member.name : "\(name).\(member.name)") }
        }
    }
}

/// An encoded input before it is written in a wire protocol; members keep their declaration order.
package indirect enum WireValue: Sendable, Equatable {
    case text(String)
    case list([WireValue])
    case structure([Member])

    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: WireValue
    }
}

/// Formats a time for query, ec2 and XML services: ISO 8601 in UTC, to the second.
func wireText(_ date: Date) -> String {
    date.formatted(.iso8601)
}

/// Parses a time from an XML response of AWS: ISO 8601, with or without fractional seconds.
func wireDate(_ text: some StringProtocol) -> Date? {
    let text = String(text)
    return (try? Date(text, strategy: .iso8601))
        ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
}

/// Maps the members of a type to the elements of one document, in the order in which the members are decoded.
///
/// Every value of the type is decoded in the same order, so the next entry nearly always matches and no name needs to
/// be looked up.
final class MemberNames {
    private var known: [(name: String, identifier: Int?)] = []
    private var next = 0

    /// Starts a new value of the type.
    func begin() { next = 0 }

    func identifier(of name: String, orFind find: () -> Int?) -> Int? {
        if next < known.count, known[next].name == name {
            defer { next += 1 }
            return known[next].identifier
        }
        if let place = known.firstIndex(where: { $0.name == name }) {
            next = place + 1
            return known[place].identifier
        }
        let identifier = find()
        known.append((name, identifier))
        next = known.count
        return identifier
    }
}
