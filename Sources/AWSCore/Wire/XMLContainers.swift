/// The members of a structure: the children of an element.
struct XMLMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let spot: XMLSpot
    let node: XMLDocument.Node
    private let names: MemberNames

    init(spot: XMLSpot, node: XMLDocument.Node) {
        self.spot = spot
        self.node = node
        names = spot.document.memberNames(of: Key.self)
        names.begin()
    }

    var codingPath: [any CodingKey] { spot.codingPath }

    var allKeys: [Key] {
        spot.document.children(of: node).compactMap { child in
            let name = spot.document.name(of: child)
            return Key(stringValue: spot.keys == .camel ? name : name.prefix(1).lowercased() + name.dropFirst())
        }
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }
    func decodeNil(forKey key: Key) -> Bool { find(key) == nil }

    private func find(_ key: Key) -> XMLDocument.Node? {
        let name = key.stringValue
        let identifier = names.identifier(of: name) { spot.document.identifier(of: name, spot.keys) }
        return identifier.flatMap { spot.document.child($0, of: node) }
    }

    private func at(_ child: XMLDocument.Node?) -> XMLSpot { XMLSpot(spot.document, child, spot.keys, isItem: false) }

    private func required(_ key: Key) throws -> XMLSpot {
        guard let child = find(key) else {
            throw DecodingError.keyNotFound(
                AnyKey(spot.keys.key(key.stringValue)), .init(codingPath: codingPath, debugDescription: "missing"))
        }
        return at(child)
    }

    func decode(_ type: String.Type, forKey key: Key) throws -> String { try required(key).text() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try required(key).flag() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try required(key).number() }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try required(key).number() }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try required(key).number() }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try required(key).number() }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try required(key).number() }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try required(key).number() }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try required(key).number() }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try required(key).number() }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try required(key).number() }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try required(key).number() }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try required(key).number() }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try required(key).number() }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        if let child = find(key) { return try at(child).decode(type) }
        return type is any ListType.Type ? try at(nil).decode(type) : try required(key).decode(type)
    }

    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        try find(key).map { try at($0).text() }
    }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
        try find(key).map { try at($0).flag() }
    }

    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
        try find(key).map { try at($0).number() }
    }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        try find(key).map { try at($0).decode(type) }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> { try required(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try at(find(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { spot }
    func superDecoder(forKey key: Key) throws -> any Decoder { try required(key) }
}

/// A list that is missing is empty; what else is missing is an error.
private protocol ListType {}
extension Array: ListType {}

/// The entries of a list.
struct XMLItems: UnkeyedDecodingContainer {
    let spot: XMLSpot
    let nodes: [XMLDocument.Node]
    var currentIndex = 0

    var codingPath: [any CodingKey] { spot.codingPath }
    var count: Int? { nodes.count }
    var isAtEnd: Bool { currentIndex == nodes.count }

    private mutating func next() throws -> XMLSpot {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                String.self, .init(codingPath: codingPath, debugDescription: "no more entries"))
        }
        defer { currentIndex += 1 }
        return XMLSpot(spot.document, nodes[currentIndex], spot.keys, isItem: true)
    }

    mutating func decodeNil() throws -> Bool { false }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next().decode(type) }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> { try next().container(keyedBy: type) }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { spot }
}

/// A plain value: the text of an element.
struct XMLSingle: SingleValueDecodingContainer {
    let spot: XMLSpot

    var codingPath: [any CodingKey] { spot.codingPath }

    func decodeNil() -> Bool { spot.node == nil }
    func decode(_ type: String.Type) throws -> String { try spot.text() }
    func decode(_ type: Bool.Type) throws -> Bool { try spot.flag() }
    func decode(_ type: Double.Type) throws -> Double { try spot.number() }
    func decode(_ type: Float.Type) throws -> Float { try spot.number() }
    func decode(_ type: Int.Type) throws -> Int { try spot.number() }
    func decode(_ type: Int8.Type) throws -> Int8 { try spot.number() }
    func decode(_ type: Int16.Type) throws -> Int16 { try spot.number() }
    func decode(_ type: Int32.Type) throws -> Int32 { try spot.number() }
    func decode(_ type: Int64.Type) throws -> Int64 { try spot.number() }
    func decode(_ type: UInt.Type) throws -> UInt { try spot.number() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try spot.number() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try spot.number() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try spot.number() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try spot.number() }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try spot.decode(type) }
}
