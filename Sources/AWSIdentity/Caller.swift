import FoundationEssentials

/// The identity that AWS knows the credentials by.
package struct Caller: Sendable, Equatable {
    package var account: String
    package var arn: String
    package var userID: String
    package var accessKeyID: String
    /// Where the credentials came from, in words for people.
    package var origin: String
    /// `nil` where they do not expire.
    package var expiration: Date?
}
