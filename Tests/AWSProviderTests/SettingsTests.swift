import Sandbox
import Testing

@testable import AWSProvider

@Suite("Settings of the permanent stacks")
struct SettingsTests {
    @Test(
        "networks are taken in any spelling and kept in the shortest",
        arguments: [
            ("192.0.2.7", "192.0.2.7/32"), ("192.0.2.0/24", "192.0.2.0/24"), ("128.0.0.0/1", "128.0.0.0/1"),
            ("2001:DB8:0:0::/32", "2001:db8::/32"), ("2001:db8::1", "2001:db8::1/128"), ("::/1", "::/1"),
        ])
    func network(_ text: String, _ expected: String) throws {
        #expect(try IPNetwork(text).text == expected)
    }

    @Test(
        "invalid networks are refused with the reason",
        arguments: [
            ("", "not an IP address"), ("x", "not an IP address"), ("192.0.2", "not an IP address"),
            ("1.2.3.4.5", "not an IP address"),
            ("192.0.2.0/", "1 to 32 bits"), ("0.0.0.0/0", "1 to 32 bits"), ("192.0.2.0/33", "1 to 32 bits"),
            ("::/0", "1 to 128 bits"), ("2001:db8::/129", "1 to 128 bits"), ("192.0.2.0/-1", "1 to 32 bits"),
            ("10.1.2.3/8", "the network is 10.0.0.0/8"), ("2001:db8::1/32", "the network is 2001:db8::/32"),
        ])
    func noNetwork(_ text: String, _ part: String) {
        let mistake = #expect(throws: IPNetwork.Mistake.self) { try IPNetwork(text) }
        #expect(mistake?.message.contains(part) == true, "\(mistake?.message ?? "")")
    }

    @Test("the limits of AWS are respected", arguments: ["10", "2000000000"])
    func inBounds(_ limit: String) throws {
        let settings = try FirewallSettings(allowedIPs: [], rateLimit: limit, rateWindow: "600")
        #expect(settings.parameters == ["RateLimit": limit, "RateWindow": "600"])
    }

    @Test("and nothing beyond the limits is sent", arguments: ["9", "2000000001", "-1", "many", ""])
    func outOfBounds(_ limit: String) {
        let failure = #expect(throws: Failure.self) {
            try FirewallSettings(allowedIPs: [], rateLimit: limit, rateWindow: nil)
        }
        #expect(failure?.code == .usage)
        #expect(failure?.message == "--rate-limit '\(limit)': must be a number from 10 to 2000000000")
    }

    @Test("all mistakes are reported at once")
    func allAtOnce() {
        let failure = #expect(throws: Failure.self) {
            try FirewallSettings(allowedIPs: ["none", "192.0.2.1/24"], rateLimit: "1", rateWindow: "61")
        }
        #expect(failure?.message == "4 options are invalid")
        #expect(failure?.details.count == 4)
        let bucket = #expect(throws: Failure.self) {
            try BucketSettings(
                unfinishedUploadDays: "0", accessLogs: "NoBucket", domain: "-", certificate: "arn:aws:acm:eu-west-1")
        }
        #expect(bucket?.details.count == 4, "\(bucket?.details ?? [])")
    }

    @Test("each network stands in the list of its version, once")
    func lists() throws {
        let texts = ["192.0.2.7", "2001:db8::/32", "192.0.2.7/32", "198.51.100.0/24"]
        let settings = try FirewallSettings(allowedIPs: texts, rateLimit: nil, rateWindow: nil)
        #expect(
            settings.parameters == ["AllowedIPv4": "192.0.2.7/32,198.51.100.0/24", "AllowedIPv6": "2001:db8::/32"])
        let none = try FirewallSettings(allowedIPs: ["none"], rateLimit: nil, rateWindow: nil)
        #expect(none.parameters == ["AllowedIPv4": "", "AllowedIPv6": ""])
    }

    @Test("a custom domain needs its certificate; an empty value removes both")
    func domain() throws {
        #expect(throws: Failure.self) { try BucketSettings(domain: "vm.example.com") }
        let none = try BucketSettings(domain: "none").parameters(webACL: "acl")
        #expect(none == ["VMDownloadACLArn": "acl", "DomainName": "", "CertificateArn": ""])
        let versioned = try BucketSettings(isVersioned: true, unfinishedUploadDays: "3").parameters(webACL: "acl")
        #expect(
            versioned == ["VMDownloadACLArn": "acl", "Versioning": "Enabled", "UnfinishedUploadDays": "3"])
    }
}
