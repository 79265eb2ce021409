import Glibc

/// An XML document as a tree in two arrays, without attributes, which AWS's answers do not need.
///
/// XMLCoder took 360 ms for the answer with 1,000 images that may take 60 ms (`make bench-aws`), so the tree is built
/// by a SAX parser, expat. A class, since decoding hands out many views of one document.
final class XMLDocument {
    typealias Node = Int

    /// Small, because a page of a list has forty thousand of them; no document has more than 2³¹ bytes.
    struct Element {
        fileprivate var name: Int32
        /// Where its text begins and ends; meaningful for elements without children.
        fileprivate var textStart: Int32
        fileprivate var textEnd: Int32
        /// -1 for none, as well as the next sibling.
        fileprivate var first: Int32 = -1
        fileprivate var next: Int32 = -1

        var firstChild: Node? { first < 0 ? nil : Int(first) }
        var nextSibling: Node? { next < 0 ? nil : Int(next) }
    }

    // One task parses a document and decodes it, so that nothing is gained by watching for overlapping access, which
    // took a tenth of the time.
    @exclusivity(unchecked) fileprivate(set) var elements: [Element] = []
    @exclusivity(unchecked) fileprivate(set) var text: [UInt8] = []
    @exclusivity(unchecked) fileprivate(set) var names: [String] = []
    @exclusivity(unchecked) private var identifiers: [String: Int] = [:]
    /// Names as the parser gives them, and what came after each the last time: lists repeat themselves.
    @exclusivity(unchecked) private var spellings: [ContiguousArray<CChar>] = []
    @exclusivity(unchecked) private var followers: [Int] = []
    @exclusivity(unchecked) private var lastName = 0
    /// For each type that is decoded, its members in the order in which they are asked for.
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
    func identifier(of property: String, _ keys: KeyStyle) -> Int? { identifiers[keys.key(property)] }

    /// What is known of the members of a type, from its first use in this document.
    func memberNames(of type: Any.Type) -> MemberNames {
        let key = ObjectIdentifier(type)
        if let known = members[key] { return known }
        let names = MemberNames()
        members[key] = names
        return names
    }

    /// The element `Error`, wherever the service puts it; the whole document of S3 is one.
    var firstError: Node? {
        guard let error = identifiers["Error"] else { return nil }
        return elements.indices.first { elements[$0].name == Int32(error) }
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
    /// Room for a document of so many bytes, as AWS writes them.
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
