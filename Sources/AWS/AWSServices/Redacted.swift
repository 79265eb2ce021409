/// A value that contains a secret: printed, interpolated, dumped or mirrored, it reveals only what `shown` lists.
///
/// Secrets leak into logs through well-meant messages, so hiding them is not left to the code that prints.
package protocol Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var shown: KeyValuePairs<String, Any> { get }
}

extension Redacted {
    package var description: String {
        let members = shown.map { "\($0.key): \($0.value)" } + ["…"]
        return "\(Self.self)(\(members.joined(separator: ", ")))"
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: shown) }
}
