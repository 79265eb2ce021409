import FoundationEssentials
import Sandbox

extension Preflight {
    /// How long a build takes, roughly: the machine and its installation, the image, and the exports.
    var estimate: Duration {
        let exports = method == .vmExport ? 40 * formats.count : 40
        return .seconds(((source == nil ? 0 : 60) + (formats.isEmpty ? 0 : exports)) * 60)
    }

    @Sendable func checkCredentials() -> [PreflightFinding] {
        let now = site.now()
        guard let expires = credentials.expires,
            expires < now.addingTimeInterval(TimeInterval(estimate.components.seconds))
        else { return [] }
        let minutes = { (seconds: TimeInterval) in Int((seconds / 60).rounded()) }
        let left = minutes(expires.timeIntervalSince(now))
        let needed = minutes(TimeInterval(estimate.components.seconds))
        let text = "the credentials are good for \(left) minutes, and the build takes about \(needed)"
        if credentials.areRenewed {
            return [.warning("\(text); they are renewed on the way, as long as who gives them does")]
        }
        return [
            .problem(
                text, advice: "log in again for longer, or use a profile that is renewed by itself",
                code: .noPermission)
        ]
    }
}
