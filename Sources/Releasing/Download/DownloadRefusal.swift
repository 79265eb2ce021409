import AWSServices
import Sandbox

extension Failure {
    /// Why a server did not give a file.
    /// - Parameter thing: what is missing, where the answer means that.
    init(_ refusal: HTTPRefusal, lacking thing: String, details: [String] = []) {
        if let action = refusal.wafAction {
            self.init(
                .noPermission,
                "the server wants proof that a person asks (\(action), status \(refusal.status)) before it gives \(refusal.url)",
                advice: "open that address in a browser, or ask whoever publishes the images to let your network in: "
                    + "dss setup-vm-bucket-waf --allowed-ip ADDRESS/32")
            return
        }
        switch refusal.status {
        case 404:
            self.init(.badData, "there is no \(thing): \(refusal)", details: details, advice: "check id and address")
        case 403:
            // Who may not list a bucket is not told that something is missing.
            self.init(
                .noPermission, "there is no \(thing), or this machine may not have it: \(refusal)", details: details,
                advice: "check id and address; many requests within some minutes are refused too, for some minutes")
        case 300..<400:
            self.init(
                .usage, "\(refusal.url) is elsewhere: \(refusal.location ?? "the server does not say where")",
                advice: "give that server's address with --url")
        case 500...:
            self.init(.temporary, "\(refusal)", advice: "run the same command again later: it goes on where it was")
        default: self.init(.unavailable, "\(refusal)", advice: "check the address")
        }
    }
}
