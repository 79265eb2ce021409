/// What a guest told about itself: the `key=value` lines that a script on it printed.
///
/// A key may come several times; its values are a list then.
struct Facts: Sendable, Equatable {
    private var values: [String: [String]] = [:]

    init(_ output: String) {
        for line in output.split(whereSeparator: \.isNewline) {
            guard let end = line.firstIndex(of: "="), end != line.startIndex else { continue }
            let key = line[..<end]
            guard key.allSatisfy({ $0.isASCII && ($0.isLowercase || $0 == "_") }) else { continue }
            values[String(key), default: []].append(String(line[line.index(after: end)...]))
        }
    }

    /// - Throws: `Untold` where the script did not get that far.
    func value(_ key: String) throws(Untold) -> String {
        guard let value = values[key]?.last else { throw Untold(key: key) }
        return value
    }

    func number(_ key: String) throws(Untold) -> Int {
        guard let number = Int(try value(key)) else { throw Untold(key: key) }
        return number
    }

    /// All values of a key, without empty ones.
    /// - Throws: `Untold` where there is not even an empty one: scripts print `key=` before they list.
    func list(_ key: String) throws(Untold) -> [String] {
        guard let list = values[key] else { throw Untold(key: key) }
        return list.filter { !$0.isEmpty }
    }

    struct Untold: Error, Equatable, CustomStringConvertible {
        var key: String
        var description: String { "the guest did not tell '\(key)'" }
    }
}
