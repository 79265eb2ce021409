/// An XML document as a tree in two arrays, without attributes, which AWS's answers do not need.
///
/// XMLCoder took 360 ms for the answer with 1,000 images that may take 60 ms (`make bench-aws`), so the tree is built
/// by a SAX parser, expat. A class, since decoding hands out many views of one document.
final class XMLDocument {
    typealias Node = Int

    struct Element {
        var name: Int
        /// Bytes of its text; meaningful for elements without children.
        var text: Range<Int>
        var firstChild: Node?
        var nextSibling: Node?
    }

    fileprivate(set) var elements: [Element] = []
    fileprivate(set) var text: [UInt8] = []
    fileprivate(set) var names: [String] = []
    fileprivate var identifiers: [String: Int] = [:]
    /// Element names by the names of properties, which are asked for once per decoded structure.
    private var spelled: [String: Int?] = [:]

    var root: Node { 0 }

    func name(of node: Node) -> String { names[elements[node].name] }

    func text(of node: Node) -> String {
        text.withUnsafeBufferPointer { String(decoding: $0[elements[node].text], as: UTF8.self) }
    }

    func child(_ name: String, of node: Node) -> Node? {
        identifiers[name].flatMap { child($0, of: node) }
    }

    func child(_ name: Int, of node: Node) -> Node? {
        var next = elements[node].firstChild
        while let child = next, elements[child].name != name { next = elements[child].nextSibling }
        return next
    }

    /// The following sibling of the same name.
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

    /// The identifier of the element that holds a property, `nil` where the document has none of that name.
    func identifier(of property: String, _ keys: KeyStyle) -> Int? {
        if let known = spelled[property] { return known }
        let identifier = identifiers[keys.key(property)]
        spelled[property] = .some(identifier)
        return identifier
    }

    /// The element `Error`, wherever the service puts it; the whole document of S3 is one.
    var firstError: Node? {
        guard let error = identifiers["Error"] else { return nil }
        return elements.indices.first { elements[$0].name == error }
    }

    /// Reads an answer that must be a document with a given root.
    /// - Throws: `UnexpectedAnswer`; the answer's own `ServiceError` where the root says so.
    static func answer(_ response: HTTPResponse, root: String) throws -> XMLDocument {
        let document: XMLDocument
        do { document = try XMLDocument(response.body) } catch let error as XMLError {
            throw UnexpectedAnswer("expected XML, found \(response.summary): \(error.message)")
        }
        let name = document.name(of: document.root)
        if name == root { return document }
        if name == "Error" || name == "ErrorResponse" || name == "Response", document.firstError != nil {
            throw ServiceError.fromXML(response)
        }
        throw UnexpectedAnswer("expected the document \(root), found \(name)")
    }
}

struct XMLError: Error {
    var message: String
}

/// What `XMLParser` calls while it reads.
extension XMLDocument {
    func open(_ name: String, in parent: Node?, after sibling: Node?) -> Node {
        let node = elements.count
        elements.append(Element(name: identifier(adding: name), text: text.count..<text.count))
        if let sibling {
            elements[sibling].nextSibling = node
        } else if let parent {
            elements[parent].firstChild = node
        }
        return node
    }

    func append(_ bytes: UnsafeBufferPointer<UInt8>) { text.append(contentsOf: bytes) }

    func close(_ node: Node) {
        elements[node].text = elements[node].text.lowerBound..<text.count
    }

    private func identifier(adding name: String) -> Int {
        if let known = identifiers[name] { return known }
        identifiers[name] = names.count
        names.append(name)
        return names.count - 1
    }
}
