import AWSProvider
import ArgumentParser

/// `dss setup-vm-bucket`
struct SetupVMBucket: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-vm-bucket",
        abstract: "Deploy the S3 bucket and CloudFront distribution for VM images, once per account",
        discussion: """
            Deploys the stack DATA-SCIENCE-SANDBOX-VM-Bucket: a private S3 bucket, the role that exports images to it, \
            and a CloudFront distribution as the only way to access it. The web ACL deployed by 'dss \
            setup-vm-bucket-waf' protects the distribution; deploy it first.

            Shows the changes and asks for confirmation before making them. Options that are not given keep their \
            current values. If there is nothing to change, the command reports that and succeeds.

            CloudFront requires TLS 1.2 from clients only with a custom domain (--domain and --certificate).

            Examples:
              dss setup-vm-bucket --aws-profile admin --region eu-central-1
              dss setup-vm-bucket --plan
              dss setup-vm-bucket --versioned --access-logs my-log-bucket --yes
              dss setup-vm-bucket --print-template > vm-bucket.yaml
            """)

    @Flag(inversion: .prefixedNo, help: "Keep overwritten and deleted images as object versions")
    var versioned: Bool?

    @Option(help: ArgumentHelp("Days after which parts of unfinished uploads are removed", valueName: "days"))
    var unfinishedUploadDays: String?

    @Option(help: ArgumentHelp("Existing bucket for access logs, or 'none'", valueName: "bucket"))
    var accessLogs: String?

    @Option(help: ArgumentHelp("Custom domain for downloads, or 'none'", valueName: "name"))
    var domain: String?

    @Option(help: ArgumentHelp("ARN of the certificate for the custom domain, in us-east-1", valueName: "arn"))
    var certificate: String?

    @OptionGroup var stack: StackOptions

    func run(in live: Live) async throws {
        let settings = try BucketSettings(
            isVersioned: versioned, unfinishedUploadDays: unfinishedUploadDays, accessLogs: accessLogs,
            domain: domain, certificate: certificate)
        try await live.deploy(.vmBucket, stack) { settings.parameters(webACL: try await $0.webACL()) }
    }
}

/// `dss setup-vm-bucket-waf`
struct SetupVMBucketWAF: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-vm-bucket-waf",
        abstract: "Deploy the web ACL that protects VM image downloads, once per account",
        discussion: """
            Deploys the stack DATA-SCIENCE-SANDBOX-VM-Bucket-WAF, always in us-east-1. By default, the web ACL limits \
            each address to 100 requests in 5 minutes and shows a CAPTCHA to clients outside the allowed networks.

            Shows the changes and asks for confirmation before making them. Options that are not given keep their \
            current values. If there is nothing to change, the command reports that and succeeds.

            Examples:
              dss setup-vm-bucket-waf --aws-profile admin
              dss setup-vm-bucket-waf --allowed-ip 192.0.2.0/24 --allowed-ip 2001:db8::/32
              dss setup-vm-bucket-waf --allowed-ip none --rate-limit 500 --plan
              dss setup-vm-bucket-waf --print-template > vm-bucket-waf.yaml
            """)

    @Option(
        name: .customLong("allowed-ip"), parsing: .singleValue,
        help: ArgumentHelp(
            "IPv4 or IPv6 network that is exempt from the CAPTCHA (repeatable; replaces the list), or 'none'",
            valueName: "cidr"))
    var allowedIPs: [String] = []

    @Option(
        help: ArgumentHelp(
            "Maximum requests per address within the window, 10 to 2000000000", valueName: "number"))
    var rateLimit: String?

    @Option(help: ArgumentHelp("Rate limit window: 60, 120, 300 or 600 seconds", valueName: "seconds"))
    var rateWindow: String?

    @OptionGroup var stack: StackOptions

    func run(in live: Live) async throws {
        let settings = try FirewallSettings(allowedIPs: allowedIPs, rateLimit: rateLimit, rateWindow: rateWindow)
        try await live.deploy(.vmBucketWAF, stack) { _ in settings.parameters }
    }
}
