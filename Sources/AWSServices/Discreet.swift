/// A value with a secret in it: printed, interpolated, dumped or mirrored, it shows what it lists and nothing else.
///
/// Secrets get into logs through messages that somebody writes in good faith, so that hiding them is not left to
/// whoever prints.
package protocol Discreet: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var shown: KeyValuePairs<String, Any> { get }
}

extension Discreet {
    package var description: String {
        let members = shown.map { "\($0.key): \($0.value)" } + ["…"]
        return "\(Self.self)(\(members.joined(separator: ", ")))"
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: shown) }
}
