import CExpat

extension XMLDocument {
    /// - Throws: `XMLError` where it is not well-formed, declares a document type, or nests without end.
    convenience init(_ bytes: [UInt8]) throws {
        self.init()
        try XMLParser(filling: self).parse(bytes)
    }
}

/// Fills a document from expat's events.
private final class XMLParser {
    /// Deeper than any answer of AWS; keeps hostile input from growing the stack of open elements.
    static let deepest = 64

    let document: XMLDocument
    @exclusivity(unchecked) private var open: [(node: XMLDocument.Node, lastChild: XMLDocument.Node?)] = []
    private var complaint: String?
    private let parser: XML_Parser

    init(filling document: XMLDocument) throws {
        guard let parser = XML_ParserCreate("UTF-8") else { throw XMLError(message: "no memory") }
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
            XMLParser.of(context).stop("it declares a document type")
        }
        guard bytes.count <= Int32.max else { throw XMLError(message: "too large") }
        document.reserve(bytes: bytes.count)
        let status = bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                XML_Parse(parser, $0.baseAddress, Int32($0.count), 1)
            }
        }
        if let complaint { throw XMLError(message: complaint) }
        guard status == XML_STATUS_OK else {
            let reason = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) } ?? "not well-formed"
            throw XMLError(message: "\(reason) in line \(XML_GetCurrentLineNumber(parser))")
        }
    }

    private func start(_ name: UnsafePointer<CChar>) {
        guard open.count < Self.deepest else { return stop("it nests too deep") }
        let node = document.open(name, in: open.last?.node, after: open.last?.lastChild)
        if !open.isEmpty { open[open.count - 1].lastChild = node }
        open.append((node, nil))
    }

    /// What stands between elements is their indentation.
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
