import Dispatch
import Workbench

/// The SHA-256 of a large file, taken on a thread of its own: there are only as many threads for tasks as there
/// are processors, and reading a gigabyte would hold one of them for seconds.
func sha256InBackground(of path: String) async throws -> String {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            continuation.resume(with: Result { try sha256(of: path) })
        }
    }
}
