import Sandbox

/// Reads, validates and writes one kind of value.
struct Rule<Value: Sendable>: Sendable {
    /// Description of the expected value: `a size from 4GiB to 2TiB`.
    var expected: String
    /// The allowed values in full, for the reference of all keys.
    var allowed: String
    /// A valid value, as written in the file.
    var example: String
    var read: @Sendable (Item, inout [Diagnostic]) -> Value?
    var write: @Sendable (Value) -> Variable

    /// The result of reading a single value.
    enum Reading {
        case value(Value)
        /// The type is wrong: the message names the expected and the actual value.
        case wrong
        /// The type is right, but the value is not: the reason, worded to follow the name of the key, and a correction.
        case refused(String, String?)
    }

    /// A rule for scalar values.
    static func scalar(
        _ expected: String, allowed: String? = nil, example: String, write: @escaping @Sendable (Value) -> Variable,
        read: @escaping @Sendable (Item.Scalar) -> Reading
    ) -> Rule {
        Rule(
            expected: expected, allowed: allowed ?? expected, example: example,
            read: { item, diagnostics in
                guard case .scalar(let scalar) = item.content, !item.isNothing else {
                    diagnostics.append(.wrongType(item, expected: expected, example: example))
                    return nil
                }
                switch read(scalar) {
                case .value(let value): return value
                case .wrong: diagnostics.append(.wrongType(item, expected: expected, example: example))
                case .refused(let reason, let suggestion):
                    diagnostics.append(Diagnostic(item.place, "'\(item.key)' \(reason)", suggestion))
                }
                return nil
            }, write: write)
    }
}

extension Diagnostic {
    static func wrongType(_ item: Item, expected: String, example: String) -> Diagnostic {
        Diagnostic(
            item.place, "'\(item.key)' must be \(expected), found \(item.found)", "for example \(example)")
    }
}

/// The reason why a value is rejected, worded to follow the name of the key, and a correction.
struct InvalidValue: Error {
    var reason: String
    var suggestion: String?

    init(_ reason: String, _ suggestion: String? = nil) {
        self.reason = reason
        self.suggestion = suggestion
    }
}

extension Rule<String> {
    /// A string that `check` accepts. Numbers without quotes are taken as written, so that `version: 1.10` stays
    /// `1.10`.
    static func text(
        _ expected: String, allowed: String? = nil, example: String,
        _ check: @escaping @Sendable (String) throws(InvalidValue) -> Void
    ) -> Rule {
        scalar(
            expected, allowed: allowed, example: example, write: { .string($0) },
            read: { scalar in
                do throws(InvalidValue) {
                    try check(scalar.text)
                    return .value(scalar.text)
                } catch {
                    return .refused(error.reason, error.suggestion)
                }
            })
    }

    /// A string that `matches` accepts; the reference and the error message describe it by the same words.
    static func text(
        _ expected: String, allowed: String, example: String,
        suggestion: @escaping @Sendable (String) -> String? = { _ in nil },
        where matches: @escaping @Sendable (String) -> Bool
    ) -> Rule {
        text(expected, allowed: allowed, example: example) { text throws(InvalidValue) in
            if matches(text) { return }
            throw InvalidValue("must be \(allowed), found '\(text)'", suggestion(text) ?? "for example \(example)")
        }
    }
}

extension Rule<Int> {
    static func integer(_ range: ClosedRange<Int>, example: String, except refused: [Int: String] = [:]) -> Rule {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        let exceptions = refused.sorted { $0.key < $1.key }.map { ", except \($0.key): \($0.value)" }
        return scalar(
            expected, allowed: expected + exceptions.joined(), example: example, write: { .integer($0) },
            read: { scalar in
                if case .text = scalar.kind, !scalar.isRaw, Int(scalar.text) != nil {
                    return .refused("must be \(expected), found a quoted string", "write \(scalar.text) without quotes")
                }
                guard let number = Int(scalar.text), range.contains(number) else { return .wrong }
                if let reason = refused[number] {
                    return .refused("must not be \(number): \(reason)", "for example \(example)")
                }
                return .value(number)
            })
    }

    /// A size in units of `unit`, written with `MiB`, `GiB` or `TiB`.
    static func size(in unit: ByteUnit, _ range: ClosedRange<Int>, example: String) -> Rule {
        let limits = "\(ByteUnit.text(range.lowerBound, in: unit)) to \(ByteUnit.text(range.upperBound, in: unit))"
        return scalar(
            "a size from \(limits)", example: example, write: { .string(ByteUnit.text($0, in: unit)) },
            read: { scalar in
                switch ByteUnit.parse(scalar.text, in: unit) {
                case .size(let size) where range.contains(size): .value(size)
                case .nearly(let right):
                    .refused("must be in MiB, GiB or TiB, found '\(scalar.text)'", "did you mean \(right)?")
                case .fraction:
                    .refused(
                        "must be a whole number of \(unit.rawValue), found '\(scalar.text)'", "for example \(example)")
                case .size, .unknown: .wrong
                }
            })
    }
}

extension Rule where Value: RawRepresentable<String> & CaseIterable {
    /// One of a fixed set of words.
    static func choice(of type: Value.Type = Value.self) -> Rule {
        let words = type.allCases.map(\.rawValue)
        return scalar(
            "one of \(words.joined(separator: ", "))", example: words.first ?? "", write: { .string($0.rawValue) },
            read: { scalar in
                if let value = Value(rawValue: scalar.text) { return .value(value) }
                let near = DidYouMean.suggestion(for: scalar.text, among: words)
                return .refused(
                    "cannot be '\(scalar.text)'", near ?? "use one of \(words.joined(separator: ", "))")
            })
    }
}

extension Rule {
    /// A list without duplicates; in a flag or an environment variable, commas separate its elements.
    static func list<Element: Hashable & Sendable>(of element: Rule<Element>, mayBeEmpty: Bool = false, example: String)
        -> Rule
    where Value == [Element] {
        let expected = "a list"
        return Rule(
            expected: expected, allowed: "\(expected); each element is \(element.allowed)", example: example,
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
                diagnostics.append(Diagnostic(item.place, "'\(item.key)' lists \(item.found) twice", "keep one"))
                isSound = false
            }
            values.append(value)
        }
        return isSound ? values : nil
    }
}
