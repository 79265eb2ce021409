/// Moves an operation to its next page.
/// - Returns: false where the service gave no token, or an empty one as some do on the last page.
func advance(_ token: inout String?, to next: String?) -> Bool {
    guard let next, !next.isEmpty else { return false }
    token = next
    return true
}
