import AWSCore
import AWSIdentity
import AWSServices
import Definition
import Provisioning
import Reporting
import Sandbox
import Workbench

extension Failure {
    /// Maps any error to what the user sees: message, exit code and advice.
    init(explaining error: any Error) {
        switch error {
        case let left as LeftBehind:
            self.init(explaining: left.cause)
            details += left.leftovers + left.kept
        case let interrupted as Interrupted:
            self.init(interruptedWith: interrupted.cause as? LeftBehind)
        case let missing as ToolMissing:
            self.init(.unavailable, missing.description, advice: Tool.advice(for: missing.executable))
        case let command as CommandFailure:
            self.init(
                .failed, "\(command.command.executable) failed with \(command.status)", details: command.lastLines,
                advice: "to run the command again: \(command.command.shellLine)")
        case let file as FileError: self.init(file)
        case let file as IrregularFile:
            self.init(.badData, file.description, advice: "remove it, or move it to another directory")
        case let error as AWSError: self.init(error)
        case let error as IdentityError: self.init(error)
        case let unlisted as UnlistedPackage: self.init(unlisted)
        case let unpinned as UnpinnedNames: self.init(unpinned)
        case let file as TransferFileError: self.init(FileError(file.action, file.path, code: file.code))
        case let changed as FileChanged: self.init(changed)
        case let broken as IntegrityError: self.init(broken)
        case let held as LockHeld: self.init(.temporary, "another process holds the lock: \(held.holder)")
        case let late as TimedOut: self.init(.temporary, late.description)
        case let late as WaitTimeout: self.init(.temporary, late.description)
        default: self.init(of: error)
        }
    }

    /// Ctrl-C, and what exists after it.
    private init(interruptedWith left: LeftBehind?) {
        let (leftovers, kept) = (left?.leftovers ?? [], left?.kept ?? [])
        let rest =
            if !leftovers.isEmpty { "; some resources could not be removed" } else if kept.isEmpty {
                "; everything was cleaned up"
            } else { "" }
        self.init(.interrupted, "interrupted" + rest, details: leftovers + kept)
    }

    private init(_ file: FileError) {
        switch file.code {
        case 1, 13:
            self.init(.noPermission, file.description, advice: "run the command as root, or choose another directory")
        // Nothing there, a directory, or a symbolic link that leads back to itself.
        case 2, 21, 40: self.init(.badData, file.description)
        default:
            self.init(
                file.isDiskFull ? .temporary : .failed, file.description,
                advice: file.isDiskFull ? "free up space on that disk and run the command again" : nil)
        }
    }
}

extension Failure {
    /// A call that AWS rejected, or that did not reach AWS.
    init(_ error: AWSError) {
        let code: Code =
            switch error.kind {
            case .refused: .failed
            case .denied, .credentials: .noPermission
            case .quota, .temporary: .temporary
            case .unreachable, .unexpectedAnswer: .unavailable
            }
        var details: [String] = []
        if error.mayHaveTakenEffect { details.append("the request may have taken effect despite the error") }
        self.init(code, error.description, details: details, advice: error.advice)
    }

    /// A package to add that the package index does not have.
    private init(_ unlisted: UnlistedPackage) {
        let thing = unlisted.source == .apt ? "package" : "distribution"
        let meant = DidYouMean.suggestion(for: unlisted.name, among: unlisted.similar)
        self.init(
            .badData, "the package index has no \(thing) '\(unlisted.name)'" + (meant.map { ", \($0)" } ?? ""))
    }

    /// Names to update that no pin has.
    private init(_ unpinned: UnpinnedNames) {
        self.init(
            .usage, "the pins file has no version of \(unpinned.names.joined(separator: ", "))",
            details: unpinned.names.compactMap { name in
                DidYouMean.suggestion(for: name, among: unpinned.known).map { "\(name): \($0)" }
            })
    }

    /// No usable AWS credentials or settings were found.
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
        // The suggestion belongs on the line that names the unknown word: the one with the location, if there is one.
        if error.kind == .files, let last = details.indices.last {
            details[last] += ", \(meant)"
        } else {
            message += ", \(meant)"
        }
    }

    /// The file changed during the upload; nothing of it was stored in S3.
    init(_ changed: FileChanged) {
        self.init(
            .temporary, changed.description, advice: "run the command again when no process is writing to the file")
    }

    /// The received bytes do not match the stored object.
    init(_ broken: IntegrityError) {
        self.init(.temporary, broken.description, advice: "run the command again to restart the transfer")
    }
}
