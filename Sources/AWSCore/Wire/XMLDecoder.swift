import FoundationEssentials

extension XMLDocument {
    /// - Throws: `UnexpectedAnswer` that names the member which is missing or of another kind.
    func decode<T: Decodable>(_ type: T.Type, at node: Node, _ keys: KeyStyle) throws -> T {
        do { return try XMLSpot(self, node, keys, isItem: true).decode(type) } catch let error as DecodingError {
            throw UnexpectedAnswer("the answer \(name(of: root)) is not as expected: \(shortDescription(of: error))")
        }
    }
}

/// A place in a document from which something is decoded.
///
/// A list is either one element with children named `item` or `member`, or repeated siblings; which of both shows
/// only in the document.
struct XMLSpot: Decoder {
    let document: XMLDocument
    /// `nil` for a list that is not there, which is how an empty one looks among repeated siblings.
    let node: XMLDocument.Node?
    let keys: KeyStyle
    /// An entry of a list: what follows it does not belong to it.
    let isItem: Bool

    var codingPath: [any CodingKey] { node.map { [AnyKey(document.name(of: $0))] } ?? [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ document: XMLDocument, _ node: XMLDocument.Node?, _ keys: KeyStyle, isItem: Bool) {
        self.document = document
        self.node = node
        self.keys = keys
        self.isItem = isItem
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(XMLMembers<Key>(spot: self, node: try present()))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { XMLItems(spot: self, nodes: items) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { XMLSingle(spot: self) }

    private func present() throws -> XMLDocument.Node {
        guard let node else {
            throw DecodingError.valueNotFound(String.self, .init(codingPath: [], debugDescription: "missing"))
        }
        return node
    }

    private var items: [XMLDocument.Node] {
        guard let node else { return [] }
        if !isItem, document.twin(of: node) != nil {
            return Array(sequence(first: node) { document.twin(of: $0) })
        }
        let children = document.children(of: node)
        if children.isEmpty { return document.text(of: node).allSatisfy(\.isWhitespace) ? [] : [node] }
        return children.allSatisfy { ["item", "member"].contains(document.name(of: $0)) } ? children : [node]
    }

    // Values

    func text() throws -> String { document.text(of: try present()) }

    func number<Number: LosslessStringConvertible>(_ type: Number.Type = Number.self) throws -> Number {
        let text = try text()
        guard let number = Number(text) else { throw mismatch(type, text) }
        return number
    }

    func flag() throws -> Bool {
        switch try text() {
        case "true", "1": true
        case "false", "0": false
        case let text: throw mismatch(Bool.self, text)
        }
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        if type == String.self { return try text() as! T }
        if type == Date.self {
            let text = try text()
            guard let date = wireDate(text) else { throw mismatch(type, text) }
            return date as! T
        }
        if type == Data.self {
            let text = try text()
            guard let data = Data(base64Encoded: text) else { throw mismatch(type, text) }
            return data as! T
        }
        return try T(from: self)
    }

    private func mismatch(_ type: Any.Type, _ text: String) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "found '\(text.prefix(40))'"))
    }
}
