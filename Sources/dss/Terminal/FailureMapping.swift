import AWSCore
import AWSIdentity
import AWSServices
import Definition
import Reporting
import Sandbox
import Workbench

extension Failure {
    /// Any error as what a user sees: message, exit code and advice.
    init(explaining error: any Error) {
        switch error {
        case let left as LeftBehind:
            self.init(explaining: left.cause)
            details += left.leftovers
        case let interrupted as Interrupted:
            let leftovers = (interrupted.cause as? LeftBehind)?.leftovers ?? []
            self.init(
                .interrupted,
                leftovers.isEmpty ? "interrupted, everything was cleaned up" : "interrupted, and some things are left",
                details: leftovers)
        case let missing as ToolMissing:
            self.init(.unavailable, missing.description, advice: Tool.advice(for: missing.executable))
        case let command as CommandFailure:
            self.init(
                .failed, "\(command.command.executable) failed with \(command.status)", details: command.lastLines,
                advice: "to run it again: \(command.command.shellLine)")
        case let file as FileError: self.init(file)
        case let error as AWSError: self.init(error)
        case let error as IdentityError: self.init(error)
        case let file as TransferFileError: self.init(FileError(file.action, file.path, code: file.code))
        case let changed as FileChanged: self.init(changed)
        case let broken as IntegrityError: self.init(broken)
        case let held as LockHeld: self.init(.temporary, "another process is at it: \(held.holder)")
        case let late as TimedOut: self.init(.temporary, late.description)
        case let late as WaitedTooLong: self.init(.temporary, late.description)
        default: self.init(of: error)
        }
    }

    private init(_ file: FileError) {
        switch file.code {
        case 1, 13: self.init(.noPermission, file.description, advice: "run it as root, or choose another folder")
        case 2: self.init(.badData, file.description)
        default:
            self.init(
                file.isDiskFull ? .temporary : .failed, file.description,
                advice: file.isDiskFull ? "make room on that disk and run the same command again" : nil)
        }
    }
}

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
