import AWSProvider
import ArgumentParser

/// `dss setup-vm-bucket`
struct SetupVMBucket: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-vm-bucket",
        abstract: "Deploys the bucket of VM images behind CloudFront, once for an account.",
        discussion: """
            Deploys the stack DATA-SCIENCE-SANDBOX-VM-Bucket: a private bucket, the role that exports images into it, \
            and a CloudFront distribution as the only way in. It is guarded by the web ACL of 'dss \
            setup-vm-bucket-waf', which comes first.

            Shows what changes and asks before it changes anything. What is not given stays as it is; run again \
            without a change, it succeeds and says so.

            CloudFront holds clients to TLS 1.2 only under a name of your own (--domain and --certificate).

            Examples:
              dss setup-vm-bucket --aws-profile admin --region eu-central-1
              dss setup-vm-bucket --plan
              dss setup-vm-bucket --versioned --access-logs my-log-bucket --yes
              dss setup-vm-bucket --print-template > vm-bucket.yaml
            """)

    @Flag(inversion: .prefixedNo, help: "Keeps overwritten and deleted images as versions.")
    var versioned: Bool?

    @Option(help: ArgumentHelp("Removes the parts of unfinished uploads after so many days.", valueName: "days"))
    var unfinishedUploadDays: String?

    @Option(help: ArgumentHelp("An existing bucket that takes the access logs, or none.", valueName: "bucket"))
    var accessLogs: String?

    @Option(help: ArgumentHelp("A name of your own for the downloads, or none.", valueName: "name"))
    var domain: String?

    @Option(help: ArgumentHelp("The certificate of that name, in us-east-1.", valueName: "arn"))
    var certificate: String?

    @OptionGroup var stack: StackOptions

    func run() async throws {
        let settings = try BucketSettings(
            isVersioned: versioned, unfinishedUploadDays: unfinishedUploadDays, accessLogs: accessLogs,
            domain: domain, certificate: certificate)
        try await Live().deploy(.vmBucket, stack) { settings.parameters(webACL: try await $0.webACL()) }
    }
}

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
