/// Runs `body` and, where it fails or is cancelled, removes again what it has registered; what it has made stays
/// otherwise.
/// - Throws: what `body` throws; as `LeftBehind` where something could not be removed.
package func undoingOnFailure<Result: Sendable>(_ body: (Undo) async throws -> Result) async throws -> Result {
    let undo = Undo()
    do { return try await body(undo) } catch {
        // In a task of its own, so that a cancelled one is cleaned up after too.
        let leftovers = await Task { await undo.unwind() }.value
        guard !leftovers.isEmpty else { throw error }
        throw LeftBehind(cause: error, leftovers: leftovers)
    }
}
