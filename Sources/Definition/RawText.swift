import Yams

/// Values from flags and environment variables, where there is a string and nothing else.
enum RawText {
    /// The string as a scalar, with the kind that YAML would see in it.
    static func scalar(_ text: String) -> Item.Scalar {
        var scalar = NodeConverter.scalar(text, Node(text))
        scalar.isRaw = true
        return scalar
    }

    static func item(_ text: String, key: String, place: Place) -> Item {
        Item(key: key, place: place, content: .scalar(scalar(text)))
    }

    /// The string as any YAML value, for playbook variables: `3`, `true`, `[a, b]`, `{a: 1}`.
    static func yaml(_ text: String, key: String, place: Place, _ diagnostics: inout [Diagnostic]) -> Item? {
        var found: [Diagnostic] = []
        if trimmed(text).isEmpty { return item("", key: key, place: place) }
        guard let item = YAMLDocument.parse(Array(text.utf8), path: "", diagnostics: &found), found.isEmpty else {
            diagnostics += found.map { Diagnostic(place, $0.message, $0.suggestion) }
            return nil
        }
        return relocated(item, under: key, place)
    }

    static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }

    private static func relocated(_ item: Item, under key: String, _ place: Place) -> Item {
        let content: Item.Content =
            switch item.content {
            case .scalar: item.content
            case .list(let items): .list(items.map { relocated($0, under: key, place) })
            case .map(let entries):
                .map(
                    entries.map {
                        Item.Entry(
                            name: $0.name, place: place, item: relocated($0.item, under: "\(key).\($0.name)", place))
                    })
            }
        return Item(key: key, place: place, content: content)
    }
}
