/// Which elements hold the members of a type in one document, in the order in which its members are asked for.
///
/// That order is the same for each value of the type, so that nearly always the next one is meant, and no name has to
/// be looked up.
final class MemberNames {
    private var known: [(name: String, identifier: Int?)] = []
    private var next = 0

    /// A new value of the type begins.
    func begin() { next = 0 }

    func identifier(of name: String, orFind find: () -> Int?) -> Int? {
        if next < known.count, known[next].name == name {
            defer { next += 1 }
            return known[next].identifier
        }
        if let place = known.firstIndex(where: { $0.name == name }) {
            next = place + 1
            return known[place].identifier
        }
        let identifier = find()
        known.append((name, identifier))
        next = known.count
        return identifier
    }
}
