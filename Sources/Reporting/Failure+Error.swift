import Sandbox

extension Failure {
    /// The failure that a user is told of, whatever was thrown; its code is the exit code.
    ///
    /// What a clean-up left behind is added to its cause; what is no `Failure` is a bug of ours, and says so.
    package init(of error: any Error) {
        switch error {
        case let failure as Failure:
            self = failure
        case let leftBehind as LeftBehind:
            self.init(of: leftBehind.cause)
            details += ["left behind:"] + leftBehind.leftovers.map { "  \($0)" }
        case is CancellationError:
            self.init(.interrupted, "interrupted")
        default:
            self.init(
                .bug, "this should not happen: \(error)",
                advice: "please report it, with the command that you typed and this message")
        }
    }
}
