import AWSCore
import Foundation

/// A value as a JSON tree with its wire names, and coding details of each member.
struct Tree {
    var value: Any
    /// Paths of members that are optional.
    var optional: Set<String>
    /// Paths of members that are `nil`.
    var missing: [String]
    /// Whether names are those on the wire, or of the model if the value encodes itself.
    var names: String

    init(of value: Any, _ keys: KeyStyle) throws {
        guard let value = value as? any Encodable else {
            self.init(mirroring: value)
            return
        }
        let notes = TreeEncoder.Notes()
        let encoder = TreeEncoder(keys: keys, path: "", notes: notes)
        let tree = try encoder.tree(of: value)
        self.init(value: tree, optional: notes.optional, missing: notes.missing, names: "wire")
    }

    init(value: Any, optional: Set<String> = [], missing: [String], names: String) {
        self.value = value
        self.optional = optional
        self.missing = missing
        self.names = names
    }
}

/// Encodes into a tree and records which members are optional, which other encoders do not distinguish.
final class TreeEncoder: Encoder {
    final class Notes {
        var optional: Set<String> = []
        var missing: [String] = []
    }

    let keys: KeyStyle
    let path: String
    let notes: Notes
    var members: [String: Any] = [:]
    var items: [Any]?
    var single: Any?
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(keys: KeyStyle, path: String, notes: Notes) {
        self.keys = keys
        self.path = path
        self.notes = notes
    }

    func tree(of value: some Encodable) throws -> Any {
        switch value {
        case let date as Date: return ["$time": date.timeIntervalSince1970]
        case let data as Data: return ["$bytes": data.base64EncodedString()]
        case is String, is Int, is Int64, is Bool, is Double: return value
        default:
            let encoder = TreeEncoder(keys: keys, path: path, notes: notes)
            try value.encode(to: encoder)
            return encoder.single ?? encoder.items ?? encoder.members
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(Members<Key>(into: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        items = []
        return Items(into: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(into: self) }

    struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let into: TreeEncoder
        var codingPath: [any CodingKey] { [] }

        private func path(_ key: Key) -> (name: String, path: String) {
            let name = into.keys.key(key.stringValue)
            return (name, into.path.isEmpty ? name : "\(into.path).\(name)")
        }

        func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
            let (name, path) = path(key)
            into.members[name] = try TreeEncoder(keys: into.keys, path: path, notes: into.notes).tree(of: value)
        }

        func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
            into.notes.optional.insert(path(key).path)
            if let value { try encode(value, forKey: key) } else { into.notes.missing.append(path(key).path) }
        }

        func encodeIfPresent(_ value: String?, forKey key: Key) throws { try note(value, key) }
        func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try note(value, key) }
        func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try note(value, key) }
        func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try note(value, key) }

        private func note<T: Encodable>(_ value: T?, _ key: Key) throws {
            into.notes.optional.insert(path(key).path)
            if let value { try encode(value, forKey: key) } else { into.notes.missing.append(path(key).path) }
        }

        func encodeNil(forKey key: Key) { into.notes.missing.append(path(key).path) }
        func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type, forKey: Key) -> KeyedEncodingContainer<Nested> {
            fatalError("no operation nests by hand")
        }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            fatalError("no operation nests by hand")
        }
        func superEncoder() -> any Encoder { into }
        func superEncoder(forKey key: Key) -> any Encoder { into }
    }

    struct Items: UnkeyedEncodingContainer {
        let into: TreeEncoder
        var codingPath: [any CodingKey] { [] }
        var count: Int { into.items?.count ?? 0 }

        func encode<T: Encodable>(_ value: T) throws { into.items?.append(try into.tree(of: value)) }
        func encodeNil() {}
        func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type) -> KeyedEncodingContainer<Nested> {
            fatalError("no operation nests by hand")
        }
        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { fatalError("no operation nests by hand") }
        func superEncoder() -> any Encoder { into }
    }

    struct Single: SingleValueEncodingContainer {
        let into: TreeEncoder
        var codingPath: [any CodingKey] { [] }

        func encode<T: Encodable>(_ value: T) throws { into.single = try into.tree(of: value) }
        func encodeNil() {}
    }
}
