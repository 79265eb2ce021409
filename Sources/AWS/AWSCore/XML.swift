import CExpat
import FoundationEssentials
import Glibc

/// An XML document as a tree in two arrays. It omits attributes, which AWS responses do not need.
///
/// XMLCoder took 360 ms for a response with 1,000 images, which may take 60 ms (`make bench-aws`), so a SAX parser,
/// expat, builds the tree. A class, since decoding creates many views of one document.
final class XMLDocument {
    typealias Node = Int

    /// Kept small, because one page of a list has forty thousand elements; no document exceeds 2³¹ bytes.
    struct Element {
        fileprivate var name: Int32
        /// Start and end of the element's text; meaningful for elements without children.
        fileprivate var textStart: Int32
        fileprivate var textEnd: Int32
        /// First child and next sibling; -1 for none.
        fileprivate var first: Int32 = -1
        fileprivate var next: Int32 = -1

        var firstChild: Node? { first < 0 ? nil : Int(first) }
        var nextSibling: Node? { next < 0 ? nil : Int(next) }
    }

    // A single task parses and decodes a document, so exclusivity checks bring no benefit. They took a tenth of the
    // time.
    @exclusivity(unchecked) fileprivate(set) var elements: [Element] = []
    @exclusivity(unchecked) fileprivate(set) var text: [UInt8] = []
    @exclusivity(unchecked) fileprivate(set) var names: [String] = []
    @exclusivity(unchecked) private var identifiers: [String: Int] = [:]
    /// Names as the parser delivers them, and the name that last followed each: lists repeat the same sequence.
    @exclusivity(unchecked) private var spellings: [ContiguousArray<CChar>] = []
    @exclusivity(unchecked) private var followers: [Int] = []
    @exclusivity(unchecked) private var lastName = 0
    /// The member names of each decoded type, in decoding order.
    @exclusivity(unchecked) private var members: [ObjectIdentifier: MemberNames] = [:]

    var root: Node { 0 }

    func name(of node: Node) -> String { names[Int(elements[node].name)] }

    func text(of node: Node) -> String {
        let (start, end) = (Int(elements[node].textStart), Int(elements[node].textEnd))
        return text.withUnsafeBufferPointer { String(decoding: $0[start..<end], as: UTF8.self) }
    }

    func child(_ name: String, of node: Node) -> Node? {
        identifiers[name].flatMap { child($0, of: node) }
    }

    func child(_ name: Int, of node: Node) -> Node? {
        var next = elements[node].firstChild
        while let child = next, elements[child].name != Int32(name) { next = elements[child].nextSibling }
        return next
    }

    /// The next sibling with the same name.
    func twin(of node: Node) -> Node? {
        var next = elements[node].nextSibling
        while let sibling = next, elements[sibling].name != elements[node].name {
            next = elements[sibling].nextSibling
        }
        return next
    }

    func children(of node: Node) -> [Node] {
        Array(
            sequence(state: elements[node].firstChild) { next -> Node? in
                defer { next = next.flatMap { self.elements[$0].nextSibling } }
                return next
            })
    }

    /// The identifier of the element that holds a property, `nil` if the document has no element of that name.
    func identifier(of property: String, _ keys: KeyStyle) -> Int? { identifiers[keys.key(property)] }

    /// The member names of a type, collected since its first use in this document.
    func memberNames(of type: Any.Type) -> MemberNames {
        let key = ObjectIdentifier(type)
        if let known = members[key] { return known }
        let names = MemberNames()
        members[key] = names
        return names
    }

    /// The element `Error`, wherever the service puts it; for S3, it is the root.
    var firstError: Node? {
        guard let error = identifiers["Error"] else { return nil }
        return elements.indices.first { elements[$0].name == Int32(error) }
    }

    /// Parses a response that must be a document with a given root.
    /// - Throws: `UnexpectedResponse`; or the response's `ServiceError` if the root is an error.
    static func answer(_ response: HTTPResponse, root: String) throws -> XMLDocument {
        let document: XMLDocument
        do { document = try XMLDocument(response.body) } catch let error as XMLError {
            throw UnexpectedResponse("expected XML, found \(response.summary): \(error.message)")
        }
        let name = document.name(of: document.root)
        if name == root { return document }
        if name == "Error" || name == "ErrorResponse" || name == "Response", document.firstError != nil {
            throw ServiceError.fromXML(response)
        }
        throw UnexpectedResponse("expected the document \(root), found \(name)")
    }
}

struct XMLError: Error {
    var message: String
}

/// Callbacks of `XMLParser`.
extension XMLDocument {
    /// Reserves memory for a typical AWS document of the given size.
    func reserve(bytes: Int) {
        elements.reserveCapacity(bytes / 40)
        text.reserveCapacity(bytes / 4)
    }

    func open(_ name: UnsafePointer<CChar>, in parent: Node?, after sibling: Node?) -> Node {
        let node = elements.count
        let place = Int32(text.count)
        elements.append(Element(name: Int32(identifier(adding: name)), textStart: place, textEnd: place))
        if let sibling {
            elements[sibling].next = Int32(node)
        } else if let parent {
            elements[parent].first = Int32(node)
        }
        return node
    }

    func append(_ bytes: UnsafeBufferPointer<UInt8>) { text.append(contentsOf: bytes) }

    func close(_ node: Node) {
        elements[node].textEnd = Int32(text.count)
    }

    private func identifier(adding name: UnsafePointer<CChar>) -> Int {
        if lastName < followers.count, isSpelled(followers[lastName], name) {
            lastName = followers[lastName]
            return lastName
        }
        let identifier = identifier(of: name)
        if lastName < followers.count { followers[lastName] = identifier }
        lastName = identifier
        return identifier
    }

    private func isSpelled(_ identifier: Int, _ name: UnsafePointer<CChar>) -> Bool {
        spellings[identifier].withUnsafeBufferPointer { strcmp($0.baseAddress!, name) == 0 }
    }

    private func identifier(of name: UnsafePointer<CChar>) -> Int {
        let text = String(cString: name)
        if let known = identifiers[text] { return known }
        identifiers[text] = names.count
        names.append(text)
        spellings.append(ContiguousArray(text.utf8CString))
        followers.append(0)
        return names.count - 1
    }
}

extension XMLDocument {
    /// - Throws: `XMLError` if it is not well-formed, has a document type declaration, or is nested too deeply.
    convenience init(_ bytes: [UInt8]) throws {
        self.init()
        try XMLParser(filling: self).parse(bytes)
    }
}

/// Fills a document from the events of expat.
private final class XMLParser {
    /// Deeper than any AWS response; keeps malicious input from growing the stack of open elements.
    static let deepest = 64

    let document: XMLDocument
    @exclusivity(unchecked) private var open: [(node: XMLDocument.Node, lastChild: XMLDocument.Node?)] = []
    private var complaint: String?
    private let parser: XML_Parser

    init(filling document: XMLDocument) throws {
        guard let parser = XML_ParserCreate("UTF-8") else { throw XMLError(message: "out of memory") }
        self.document = document
        self.parser = parser
    }

    deinit { XML_ParserFree(parser) }

    func parse(_ bytes: [UInt8]) throws {
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { context, name, _ in XMLParser.of(context).start(name!) },
            { context, _ in XMLParser.of(context).end() })
        XML_SetCharacterDataHandler(parser) { context, text, count in
            text!.withMemoryRebound(to: UInt8.self, capacity: Int(count)) {
                XMLParser.of(context).text(UnsafeBufferPointer(start: $0, count: Int(count)))
            }
        }
        XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
            XMLParser.of(context).stop("the document has a document type declaration")
        }
        guard bytes.count <= Int32.max else { throw XMLError(message: "the document is too large") }
        document.reserve(bytes: bytes.count)
        let status = bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                XML_Parse(parser, $0.baseAddress, Int32($0.count), 1)
            }
        }
        if let complaint { throw XMLError(message: complaint) }
        guard status == XML_STATUS_OK else {
            let reason = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) } ?? "not well-formed"
            throw XMLError(message: "\(reason) on line \(XML_GetCurrentLineNumber(parser))")
        }
    }

    private func start(_ name: UnsafePointer<CChar>) {
        guard open.count < Self.deepest else { return stop("the document is nested too deeply") }
        let node = document.open(name, in: open.last?.node, after: open.last?.lastChild)
        if !open.isEmpty { open[open.count - 1].lastChild = node }
        open.append((node, nil))
    }

    /// Skips text between elements, which is only indentation.
    private func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let element = open.last, element.lastChild == nil { document.append(bytes) }
    }

    private func end() {
        if let element = open.popLast() { document.close(element.node) }
    }

    private func stop(_ complaint: String) {
        self.complaint = complaint
        XML_StopParser(parser, 0)
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> XMLParser {
        Unmanaged<XMLParser>.fromOpaque(context!).takeUnretainedValue()
    }
}

extension XMLDocument {
    /// - Throws: `UnexpectedResponse` that names the missing or mismatched member.
    func decode<T: Decodable>(_ type: T.Type, at node: Node, _ keys: KeyStyle) throws -> T {
        do { return try XMLElementDecoder(self, node, keys, isItem: true).decode(type) } catch let error
            as DecodingError
        {
            throw UnexpectedResponse("unexpected \(name(of: root)) document: \(shortDescription(of: error))")
        }
    }
}

/// Decodes a value from one element of a document.
///
/// A list is either one element with children named `item` or `member`, or a series of siblings with the same name;
/// only the document shows which.
struct XMLElementDecoder: Decoder {
    let document: XMLDocument
    /// `nil` for a missing list, which is how a list of siblings looks when empty.
    let node: XMLDocument.Node?
    let keys: KeyStyle
    /// Whether this is a list entry; the siblings of an entry do not belong to its value.
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

/// The members of a structure: the children of an element.
struct XMLMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let spot: XMLElementDecoder
    let node: XMLDocument.Node
    private let names: MemberNames

    init(spot: XMLElementDecoder, node: XMLDocument.Node) {
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

    private func at(_ child: XMLDocument.Node?) -> XMLElementDecoder {
        XMLElementDecoder(spot.document, child, spot.keys, isItem: false)
    }

    private func required(_ key: Key) throws -> XMLElementDecoder {
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

/// A missing list is empty; any other missing member is an error.
private protocol ListType {}
extension Array: ListType {}

/// The entries of a list.
struct XMLItems: UnkeyedDecodingContainer {
    let spot: XMLElementDecoder
    let nodes: [XMLDocument.Node]
    var currentIndex = 0

    var codingPath: [any CodingKey] { spot.codingPath }
    var count: Int? { nodes.count }
    var isAtEnd: Bool { currentIndex == nodes.count }

    private mutating func next() throws -> XMLElementDecoder {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                String.self, .init(codingPath: codingPath, debugDescription: "no more entries"))
        }
        defer { currentIndex += 1 }
        return XMLElementDecoder(spot.document, nodes[currentIndex], spot.keys, isItem: true)
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
    let spot: XMLElementDecoder

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
