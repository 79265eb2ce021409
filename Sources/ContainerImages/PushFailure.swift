import Sandbox
import Workbench

extension Failure {
    /// Why a registry did not take an image, from what skopeo says; registries have no other way to tell it.
    init(pushing reference: String, _ failure: CommandFailure) {
        let text = failure.lastLines.joined(separator: "\n").lowercased()
        let says = { (words: [String]) in words.contains(where: text.contains) }
        let reason = failure.lastLines.last { $0.contains("level=fatal") } ?? failure.lastLines.last ?? ""
        let details = [Self.message(in: reason)]
        if says(["toomanyrequests", "too many requests", "quota", "insufficient storage", "status: 507", "status 507"])
        {
            self.init(
                .temporary, "the registry takes no more for now: \(reference) was not pushed", details: details,
                advice: "wait or make room there, and run the same command again: it goes on where it stopped")
        } else if says(["unauthorized", "authentication required", "denied", "403 (forbidden)", "incorrect username"]) {
            self.init(
                .noPermission, "the registry does not let this user push \(reference)", details: details,
                advice: "set DOCKER_REGISTRY_USER and DOCKER_REGISTRY_PASSWORD, or run: docker login")
        } else if says([
            "connection refused", "connection reset", "broken pipe", "eof", "no such host", "timeout", "timed out",
            "server misbehaving", "no route to host", "network is unreachable", "500 internal", "502 bad gateway",
            "503 service", "504 gateway", "tls:", "x509:", "status: 50", "http response to https",
        ]) {
            self.init(
                .unavailable, "the registry cannot be reached or ended in the middle: \(reference) was not pushed",
                details: details, advice: "run the same command again: what has arrived is not sent again")
        } else {
            self.init(
                .failed, "\(reference) could not be pushed", details: failure.lastLines,
                advice: "run the same command again: what has arrived is not sent again")
        }
    }

    /// skopeo logs `time="…" level=fatal msg="…"`.
    private static func message(in line: String) -> String {
        guard let match = line.firstMatch(of: /msg="(.*)"$/) else { return line }
        return String(match.output.1).replacing("\\\"", with: "\"")
    }
}
