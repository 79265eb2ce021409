import Sandbox

/// What an administrator may choose of the web ACL before the bucket; what is `nil` stays as it is.
package struct FirewallSettings: Sendable, Equatable {
    /// Networks that meet no CAPTCHA; empty for none.
    package var allowed: [IPNetwork]?
    /// Requests that one address may make within the window.
    package var rateLimit: Int?
    /// Seconds.
    package var rateWindow: Int?

    /// Source: <https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html>
    static let rateLimits = 10...2_000_000_000
    static let rateWindows = [60, 120, 300, 600]
    /// Source: <https://docs.aws.amazon.com/waf/latest/APIReference/API_IPSet.html>
    static let mostAddresses = 10_000

    /// Checks all that was typed.
    /// - Parameter allowedIPs: `none` alone for an empty list.
    /// - Throws: `Failure` with all mistakes.
    package init(allowedIPs: [String], rateLimit: String?, rateWindow: String?) throws {
        var mistakes: [String] = []
        allowed = allowedIPs.isEmpty ? nil : Self.networks(allowedIPs, &mistakes)
        self.rateLimit = rateLimit.flatMap { text in
            let number = Int(text).flatMap { Self.rateLimits.contains($0) ? $0 : nil }
            if number == nil { mistakes.append("--rate-limit '\(text)': must be a number from 10 to 2000000000") }
            return number
        }
        self.rateWindow = rateWindow.flatMap { text in
            let number = Int(text).flatMap { Self.rateWindows.contains($0) ? $0 : nil }
            if number == nil { mistakes.append("--rate-window '\(text)': must be 60, 120, 300 or 600 seconds") }
            return number
        }
        try refuseOptions(mistakes)
    }

    package var parameters: [String: String] {
        var values: [String: String] = [:]
        if let allowed {
            values["AllowedIPv4"] = allowed.filter { $0.version == .v4 }.map(\.text).joined(separator: ",")
            values["AllowedIPv6"] = allowed.filter { $0.version == .v6 }.map(\.text).joined(separator: ",")
        }
        values["RateLimit"] = rateLimit.map { "\($0)" }
        values["RateWindow"] = rateWindow.map { "\($0)" }
        return values
    }

    private static func networks(_ texts: [String], _ mistakes: inout [String]) -> [IPNetwork] {
        if texts == ["none"] { return [] }
        var networks: [IPNetwork] = []
        for text in texts {
            do {
                let network = try IPNetwork(text)
                if !networks.contains(network) { networks.append(network) }
            } catch { mistakes.append("--allowed-ip \(error.message)") }
        }
        if networks.count > mostAddresses { mistakes.append("--allowed-ip: AWS takes at most \(mostAddresses)") }
        return networks
    }
}
