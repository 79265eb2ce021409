import Sandbox

/// Why a text is refused, as it continues after the key's name, and what would be right.
struct Objection: Error {
    var reason: String
    var suggestion: String?

    init(_ reason: String, _ suggestion: String? = nil) {
        self.reason = reason
        self.suggestion = suggestion
    }
}

extension Rule<String> {
    /// Text that `check` has nothing against. Numbers without quotes are taken as they are written, so that
    /// `version: 1.10` stays `1.10`.
    static func text(
        _ expected: String, example: String, _ check: @escaping @Sendable (String) throws(Objection) -> Void
    ) -> Rule {
        scalar(
            expected, example: example, write: { .string($0) },
            read: { scalar in
                do throws(Objection) {
                    try check(scalar.text)
                    return .value(scalar.text)
                } catch {
                    return .refused(error.reason, error.suggestion)
                }
            })
    }
}

extension Rule<Int> {
    static func integer(_ range: ClosedRange<Int>, example: String, except refused: [Int: String] = [:]) -> Rule {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return scalar(
            expected, example: example, write: { .integer($0) },
            read: { scalar in
                if case .text = scalar.kind, !scalar.isRaw, Int(scalar.text) != nil {
                    return .refused("must be \(expected), found text in quotes", "write \(scalar.text) without quotes")
                }
                guard let number = Int(scalar.text), range.contains(number) else { return .wrong }
                if let reason = refused[number] {
                    return .refused("must not be \(number): \(reason)", "for example \(example)")
                }
                return .value(number)
            })
    }

    /// A size in units of `unit`, written with `GiB`, `MiB` or `TiB`.
    static func size(in unit: ByteUnit, _ range: ClosedRange<Int>, example: String) -> Rule {
        let limits = "\(ByteUnit.text(range.lowerBound, in: unit)) to \(ByteUnit.text(range.upperBound, in: unit))"
        return scalar(
            "a size from \(limits)", example: example, write: { .string(ByteUnit.text($0, in: unit)) },
            read: { scalar in
                switch ByteUnit.parse(scalar.text, in: unit) {
                case .size(let size) where range.contains(size): .value(size)
                case .nearly(let right):
                    .refused("has no unit that is known in '\(scalar.text)'", "did you mean \(right)?")
                case .fraction:
                    .refused("must be whole \(unit.rawValue), found '\(scalar.text)'", "for example \(example)")
                case .size, .unknown: .wrong
                }
            })
    }
}

extension Rule where Value: RawRepresentable<String> & CaseIterable {
    /// One of a few words.
    static func choice(of type: Value.Type = Value.self) -> Rule {
        let words = type.allCases.map(\.rawValue)
        return scalar(
            "one of \(words.joined(separator: ", "))", example: words.first ?? "", write: { .string($0.rawValue) },
            read: { scalar in
                if let value = Value(rawValue: scalar.text) { return .value(value) }
                let near = DidYouMean.suggestion(for: scalar.text, among: words)
                return .refused(
                    "cannot be '\(scalar.text)'", near ?? "it is one of \(words.joined(separator: ", "))")
            })
    }
}
