import AWSCore
import Foundation
import HTTPTransport
import Synchronization
import Testing
import Workbench

@testable import dss

/// The network of `CallerNetwork`, which notes with which settings it was used.
private final class RecordingNetwork: Network {
    private let used = Mutex<[HTTPSettings]>([])
    var settings: [HTTPSettings] { used.withLock { $0 } }

    func withTransport<Result>(
        _ settings: HTTPSettings, _ body: (any Transport) async throws -> Result
    ) async throws -> Result {
        used.withLock { $0.append(settings) }
        return try await body(CallerNetwork())
    }
}

@Suite("Proxies and certificates")
struct NetworkTests {
    private static let keys = [
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-central-1",
    ]

    private func world(_ environment: [String: String], in folder: String = "/nonexistent") -> (
        PretendWorld, RecordingNetwork
    ) {
        let network = RecordingNetwork()
        let world = PretendWorld(
            environment: Self.keys.merging(environment) { $1 }, directory: folder, network: network)
        return (world, network)
    }

    @Test(
        "a proxy has a port and a login, as curl reads them",
        arguments: [
            (["https_proxy": "http://proxy.test:3128"], "proxy.test:3128 nil"),
            (["HTTPS_PROXY": "proxy.test"], "proxy.test:80 nil"),
            (["HTTPS_PROXY": "http://upper", "https_proxy": "http://lower"], "lower:80 nil"),
            (["HTTPS_PROXY": "http://upper", "https_proxy": ""], "upper:80 nil"),
            (["https_proxy": "http://me%40home:a%3A%2F@[::1]:8080/"], "::1:8080 me@home a:/"),
            (["https_proxy": "HTTP://me:a@b:c@proxy.test"], "proxy.test:80 me a@b:c"),
            (["https_proxy": "http://me@proxy.test"], "proxy.test:80 me "),
            (["ALL_PROXY": "http://any:3128"], "any:3128 nil"),
            (["ALL_PROXY": "http://upper:1", "all_proxy": "http://lower:2"], "lower:2 nil"),
            (["all_proxy": "socks5://any", "HTTPS_PROXY": "http://own:3128"], "own:3128 nil"),
        ])
    func proxy(environment: [String: String], expected: String) throws {
        let proxy = try #require(ProxyRoute.proxy(in: environment)).get()
        let login = proxy.login.map { "\($0.user) \($0.password)" } ?? "nil"
        #expect("\(proxy.host):\(proxy.port) \(login)" == expected)
    }

    @Test("a password is used, and not shown by whatever prints the settings")
    func secrecy() async throws {
        let (world, network) = world(["HTTPS_PROXY": "http://me:sEcReT@proxy.test:3128"])
        let said = await world.dss("whoami", "--log-level", "debug")
        #expect(said.code == 0, "\(said)")
        #expect(network.settings.last?.proxy?.login?.password == "sEcReT")
        var dumped = ""
        dump(network.settings, to: &dumped)
        #expect(dumped.contains("proxy.test") && !(dumped + "\(network.settings)").contains("sEcReT"))
        #expect(!(said.output + said.errors).contains("sEcReT"))
    }

    @Test(
        "a proxy that cannot be used is an error for what goes through it only",
        arguments: [
            "https://me:sEcReT@proxy.test", "socks5h://me:sEcReT@proxy.test:1080", "http://me:sEcReT%zz@proxy.test",
            "http://me:sEcReT@", "http://me:sEcReT@proxy.test:99999",
        ])
    func unusable(value: String) async {
        for exceptions in ["", "internal.test"] {
            let said = await world(["https_proxy": value, "no_proxy": exceptions]).0.dss("whoami")
            #expect(said.code == 64 && said.errors.contains("https_proxy "), "\(said)")
            let other = await world(["ALL_PROXY": value, "no_proxy": exceptions]).0.dss("whoami")
            #expect(other.code == 64 && other.errors.contains("ALL_PROXY "), "\(other)")
            #expect(!(said.errors + other.errors).contains("sEcReT"))
        }
        for exceptions in ["*", "internal.test, .amazonaws.com", "sts.eu-central-1.amazonaws.com:443"] {
            let said = await world(["https_proxy": value, "no_proxy": exceptions]).0.dss("whoami")
            #expect(said.code == 0, "\(said)")
        }
    }

    @Test(
        "NO_PROXY has names, addresses, networks and ports",
        arguments: [
            ("example.com", "https://example.com", true), ("example.com", "https://a.b.EXAMPLE.com", true),
            ("example.com", "https://badexample.com", false), (".example.com", "https://example.com", true),
            ("*.example.com", "https://a.example.com", true), ("example.com.", "https://example.com", true),
            ("a.test b.test", "https://b.test", true), (" , ,", "https://b.test", false),
            ("a.test,*", "https://b.test", true), ("b.test:8443", "https://b.test:8443", true),
            ("b.test:8443", "https://b.test", false), ("b.test:443", "https://b.test", true),
            ("10.0.0.0/8", "https://10.9.8.7", true), ("10.0.0.0/8", "https://11.9.8.7", false),
            ("192.0.2.128/25", "https://192.0.2.127", false), ("10.0.0.0/8", "https://10.test", false),
            ("192.0.2.1", "https://192.0.2.1:8443", true), ("2.1", "https://192.0.2.1", false),
            ("[::1]", "https://[::1]:8443", true), ("::1", "https://[::1]", true), ("[::1]:1", "https://[::1]", false),
            ("2001:db8::/32", "https://[2001:db8::5]", true), ("0.0.0.0/0", "https://[::1]", false),
        ])
    func exceptions(list: String, url: String, isCovered: Bool) throws {
        let endpoint = try #require(Endpoint(url: url, signingRegion: ""))
        #expect(ProxyRoute.Exceptions(list).cover(endpoint) == isCovered)
    }

    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBdDCCARugAwIBAgIUf7+IG7k0xcmj9uue6nOfx4AbomwwCgYIKoZIzj0EAwIw
        DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjkxMDIwNDRaGA8yMTI2MTEwNTEwMjA0
        NFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABB9q
        O9w3ec35YjEgqDC51+S2yhxb7GWbl7ij/Sqt7fnRQJDiR+xmHH0jdMz/mnwp6X0U
        xQr3OorBE0P9atJjrbmjUzBRMB0GA1UdDgQWBBROs4XZwLaSrvt9hQLVSxNgskaX
        8DAfBgNVHSMEGDAWgBROs4XZwLaSrvt9hQLVSxNgskaX8DAPBgNVHRMBAf8EBTAD
        AQH/MAoGCCqGSM49BAMCA0cAMEQCIAJZSGPSsOpksRTy5xnRC409GNpfL852aQZJ
        Zgbl8fDhAiBDvjehSqVe0P72MaBmhFiLLlmhSrE+sFCX23tmcVKcpw==
        -----END CERTIFICATE-----

        """

    @Test(
        "certificates come from AWS_CA_BUNDLE, else from the profile",
        arguments: [
            ([:], "ca_bundle = mine.pem", "mine.pem"), ([:], "ca_bundle = ~/mine.pem", "mine.pem"),
            (["AWS_CA_BUNDLE": "own.pem"], "ca_bundle = mine.pem", "own.pem"),
            (["AWS_CA_BUNDLE": ""], "ca_bundle = mine.pem", "mine.pem"), ([:], "", nil),
        ])
    func certificates(environment: [String: String], setting: String, expected: String?) async throws {
        try await withTemporaryDirectory { folder in
            for name in ["mine.pem", "own.pem"] { try writeAtomically(Self.certificate, to: "\(folder)/\(name)") }
            try makeDirectory("\(folder)/.aws")
            try writeAtomically("[default]\n\(setting)\n", to: "\(folder)/.aws/config")
            let (world, network) = world(environment, in: folder)
            let said = await world.dss("whoami")
            #expect(said.code == 0, "\(said)")
            #expect(network.settings.map(\.certificates) == [expected.map { "\(folder)/\($0)" }])
        }
    }

    @Test(
        "a file that cannot be used is named, and who named it",
        arguments: [
            ("none.pem", "does not exist"), (".", "is a directory"), ("empty.pem", "contains no CA certificate"),
            ("key.pem", "contains no CA certificate"),
        ])
    func badCertificates(name: String, reason: String) async throws {
        try await withTemporaryDirectory { folder in
            try writeAtomically("", to: "\(folder)/empty.pem")
            try writeAtomically("-----BEGIN CERTIFICATE-----\nx\n-----END", to: "\(folder)/key.pem")
            try makeDirectory("\(folder)/.aws")
            try writeAtomically("[default]\nca_bundle = \(name)\n", to: "\(folder)/.aws/config")
            let (world, network) = world([:], in: folder)
            let said = await world.dss("whoami")
            #expect(said.code == 65 && network.settings.isEmpty, "\(said)")
            #expect(said.errors.contains("\(folder)/\(name) (profile default, ~/.aws/config:2) \(reason)"))
            let other = await self.world(["AWS_CA_BUNDLE": name], in: folder).0.dss("whoami")
            #expect(other.code == 65 && other.errors.contains("\(name) (AWS_CA_BUNDLE) \(reason)"), "\(other)")
        }
    }
}
