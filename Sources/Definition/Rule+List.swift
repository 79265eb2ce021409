import Sandbox

extension Rule {
    /// A list without repetitions; in a flag or a variable its elements are separated by commas.
    static func list<Element: Hashable & Sendable>(of element: Rule<Element>, mayBeEmpty: Bool = false, example: String)
        -> Rule
    where Value == [Element] {
        let expected = "a list"
        return Rule(
            expected: expected, example: example,
            read: { item, diagnostics in
                guard let items = elements(of: item) else {
                    diagnostics.append(.wrongType(item, expected: expected, example: example))
                    return nil
                }
                if items.isEmpty && !mayBeEmpty {
                    diagnostics.append(Diagnostic(item.place, "'\(item.key)' is empty", "for example \(example)"))
                    return nil
                }
                return read(items, by: element, &diagnostics)
            },
            write: { .list($0.map(element.write)) })
    }

    private static func elements(of item: Item) -> [Item]? {
        switch item.content {
        case .list(let items): return items
        case .scalar(let scalar) where scalar.isRaw:
            if scalar.text.isEmpty { return [] }
            return scalar.text.split(separator: ",", omittingEmptySubsequences: false).map { part in
                Item(key: item.key, place: item.place, content: .scalar(RawText.scalar(RawText.trimmed(String(part)))))
            }
        default: return nil
        }
    }

    private static func read<Element: Hashable & Sendable>(
        _ items: [Item], by element: Rule<Element>, _ diagnostics: inout [Diagnostic]
    ) -> [Element]? {
        var values: [Element] = []
        var isSound = true
        for item in items {
            guard let value = element.read(item, &diagnostics) else {
                isSound = false
                continue
            }
            if values.contains(value) {
                diagnostics.append(Diagnostic(item.place, "'\(item.key)' names \(item.found) twice", "keep one"))
                isSound = false
            }
            values.append(value)
        }
        return isSound ? values : nil
    }
}
