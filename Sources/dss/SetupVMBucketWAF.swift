import AWSProvider
import ArgumentParser

/// `dss setup-vm-bucket-waf`
struct SetupVMBucketWAF: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-vm-bucket-waf",
        abstract: "Deploys the web ACL that guards downloads of VM images, once for an account.",
        discussion: """
            Deploys the stack DATA-SCIENCE-SANDBOX-VM-Bucket-WAF, always in us-east-1: at most 100 requests in 5 \
            minutes from one address, and a CAPTCHA for everybody outside the allowed networks.

            Shows what changes and asks before it changes anything. What is not given stays as it is; run again \
            without a change, it succeeds and says so.

            Examples:
              dss setup-vm-bucket-waf --aws-profile admin
              dss setup-vm-bucket-waf --allowed-ip 192.0.2.0/24 --allowed-ip 2001:db8::/32
              dss setup-vm-bucket-waf --allowed-ip none --rate-limit 500 --plan
              dss setup-vm-bucket-waf --print-template > vm-bucket-waf.yaml
            """)

    @Option(
        name: .customLong("allowed-ip"), parsing: .singleValue,
        help: ArgumentHelp(
            "A network that meets no CAPTCHA, IPv4 or IPv6; may be repeated; all of them, or none.", valueName: "cidr"))
    var allowedIPs: [String] = []

    @Option(
        help: ArgumentHelp(
            "Requests that one address may make within the window, 10 to 2000000000.", valueName: "number"))
    var rateLimit: String?

    @Option(help: ArgumentHelp("The window: 60, 120, 300 or 600 seconds.", valueName: "seconds"))
    var rateWindow: String?

    @OptionGroup var stack: StackOptions

    func run() async throws {
        let settings = try FirewallSettings(allowedIPs: allowedIPs, rateLimit: rateLimit, rateWindow: rateWindow)
        try await Live().deploy(.vmBucketWAF, stack) { _ in settings.parameters }
    }
}
