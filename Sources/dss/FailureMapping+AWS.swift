import AWSCore
import AWSIdentity
import AWSServices
import Definition
import Sandbox

extension Failure {
    /// A call that AWS, or the way to it, refused.
    init(_ error: AWSError) {
        let code: Code =
            switch error.kind {
            case .refused: .failed
            case .denied, .credentials: .noPermission
            case .quota, .temporary: .temporary
            case .unreachable, .unexpectedAnswer: .unavailable
            }
        var details: [String] = []
        if error.mayHaveTakenEffect { details.append("it may have taken effect all the same") }
        self.init(code, error.description, details: details, advice: error.advice)
    }

    /// Nobody can be found who calls AWS.
    init(_ error: IdentityError) {
        let code: Code =
            switch error.kind {
            case .credentials: .noPermission
            case .files: .badData
            case .usage: .usage
            case .unavailable: .unavailable
            }
        let meant = error.unknown.flatMap { DidYouMean.suggestion(for: $0.name, among: $0.known) }
        self.init(code, error.message, details: error.details, advice: error.advice)
        guard let meant else { return }
        // It belongs to the line that names what is not known: that with the place, where there is one.
        if error.kind == .files, let last = details.indices.last {
            details[last] += ", \(meant)"
        } else {
            message += ", \(meant)"
        }
    }

    /// Nothing of it is in S3.
    init(_ changed: FileChanged) {
        self.init(
            .temporary, changed.description, advice: "run the same command again when nothing writes to it any more")
    }

    /// What arrived is not what was stored.
    init(_ broken: IntegrityError) {
        self.init(.temporary, broken.description, advice: "run the same command again: it transfers all of it anew")
    }
}
