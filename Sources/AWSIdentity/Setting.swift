/// A value that decides something, and where it was found, in words for people.
package struct Setting: Sendable, Equatable {
    package var value: String
    package var origin: String

    package init(_ value: String, origin: String) {
        self.value = value
        self.origin = origin
    }
}
