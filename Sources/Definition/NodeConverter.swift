import Yams

/// Makes an `Item` of a Yams node: dotted keys, places, merged `<<` mappings, duplicates reported.
struct NodeConverter {
    let path: String
    let duplicates: DuplicateKeys

    func item(_ node: Node, key: String, _ diagnostics: inout [Diagnostic]) -> Item {
        let place = place(node)
        switch node {
        case .scalar(let scalar):
            return Item(key: key, place: place, content: .scalar(Self.scalar(scalar.string, node)))
        case .sequence(let sequence):
            return Item(key: key, place: place, content: .list(sequence.map { item($0, key: key, &diagnostics) }))
        case .mapping(let mapping):
            return Item(key: key, place: place, content: .map(entries(mapping, key, &diagnostics)))
        case .alias:
            return Item(key: key, place: place, content: .list([]))
        }
    }

    private func entries(_ mapping: Node.Mapping, _ key: String, _ diagnostics: inout [Diagnostic]) -> [Item.Entry] {
        var entries: [Item.Entry] = []
        var merged: [Item.Entry] = []
        for (name, value) in mapping {
            guard let text = name.scalar?.string else {
                diagnostics.append(Diagnostic(place(name), "a key must be text, found a list or a mapping"))
                continue
            }
            if name.tag == Tag(.merge) {
                merged += inherited(item(value, key: key, &diagnostics), &diagnostics)
            } else if let mark = name.mark,
                let duplicate = duplicates.found[.init(line: mark.line, column: mark.column)]
            {
                diagnostics.append(
                    Diagnostic(
                        place(name), "the key '\(duplicate.name)' stands already in line \(duplicate.firstLine)",
                        "keep one of them"))
            } else {
                let child = item(value, key: key.isEmpty ? text : "\(key).\(text)", &diagnostics)
                entries.append(Item.Entry(name: text, place: place(name), item: child))
            }
        }
        for entry in merged where !entries.contains(where: { $0.name == entry.name }) { entries.append(entry) }
        return entries
    }

    /// What `<<:` brings in: one mapping or a list of them, the first of which wins.
    private func inherited(_ item: Item, _ diagnostics: inout [Diagnostic]) -> [Item.Entry] {
        switch item.content {
        case .map(let entries): return entries
        case .list(let items) where items.allSatisfy { $0.entries != nil }: return items.flatMap { $0.entries ?? [] }
        default:
            diagnostics.append(Diagnostic(item.place, "'<<' must name a mapping, found \(item.found)"))
            return []
        }
    }

    private func place(_ node: Node) -> Place {
        .file(path, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }

    /// - Parameter node: carries the tag that YAML gives the text; quoted text is always text.
    static func scalar(_ text: String, _ node: Node) -> Item.Scalar {
        let kind: Item.Scalar.Kind =
            switch Tag.Name(rawValue: node.tag.rawValue) {
            case .null: .nothing
            case .bool: node.bool.map { .boolean($0) } ?? .text
            case .int: .integer(node.int)
            case .float: .fraction
            default: .text
            }
        return Item.Scalar(text: text, kind: kind)
    }
}
