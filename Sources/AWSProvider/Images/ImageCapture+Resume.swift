import Sandbox

/// The image of an earlier run, for a run that needs no machine any more.
extension ImageCapture {
    /// The AMI of the asset id that an earlier run has made, or is having made, of the same inputs.
    /// - Throws: `Failure` where there is one that is whole and made of other inputs.
    package func existing(of inputs: String) async throws -> FoundImage? {
        guard let found = try await existing() else { return nil }
        let isSame = found.facts?.inputs == inputs
        switch found.state {
        case .available where !isSame: throw otherInputs(found)
        case .available: return found
        case .pending: return isSame ? found : nil
        case .failed: return nil
        }
    }

    /// Waits for it where it is not whole yet; a run that ends before that removes it, as the one that began it would.
    package func finish(
        _ found: FoundImage, undo: Undo, events: @escaping EventSink
    ) async throws -> CapturedImage {
        guard found.state == .pending else { return try await finish(found, events) }
        let keep = await registerUndo(undo)
        return try await activity("AMI", events) {
            let image = try await finish(found, events)
            keep.decide()
            return image
        }
    }
}
