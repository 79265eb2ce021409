import Sandbox
import Testing

@testable import LocalProvider

@Suite("Servers on the host's loopback, which a machine reaches at another address")
struct HostLoopbackTests {
    private func files(_ host: HostSettings) -> MachineFiles {
        MachineFiles(host: host, sources: PackageSources(SandboxDefinition.BaseSystem(), host: [:]))
    }

    @Test(
        "are exempt from the proxy if loopback is, with the same port",
        arguments: [
            ("127.0.0.1,localhost", "127.0.0.1,localhost,10.0.2.2"), ("localhost", "localhost,10.0.2.2"),
            ("a.test, localhost:8080", "a.test,localhost:8080,10.0.2.2:8080"),
            ("127.0.0.0/8 .b.test", "127.0.0.0/8,.b.test,10.0.2.2"), (".localhost", ".localhost,10.0.2.2"),
            ("localhost,10.0.2.2", "localhost,10.0.2.2"), ("a.test, b.test", "a.test, b.test"), ("*", "*"),
            ("localhost.test", "localhost.test"), ("", ""),
        ])
    func exempt(_ list: String, _ seen: String) {
        #expect(exceptionsSeenFromMachine(list) == seen)
    }

    @Test("are exempt in both spellings of the variable, and an exemption alone opens nothing")
    func environment() {
        let host = HostSettings(
            environment: [
                "http_proxy": "http://proxy.test:1", "no_proxy": "127.0.0.1,localhost", "NO_PROXY": "localhost",
            ])
        let environment = files(host).environment
        #expect(environment["no_proxy"] == "127.0.0.1,localhost,10.0.2.2")
        #expect(environment["NO_PROXY"] == "localhost,10.0.2.2")
        #expect(!host.needsHostLoopback)
        #expect(HostSettings(environment: ["http_proxy": "localhost:3128"]).needsHostLoopback)
        #expect(!HostSettings(environment: ["PIP_TRUSTED_HOST": "localhost"]).needsHostLoopback)
    }

    @Test(
        "are trusted by pip where they are trusted on the host: any without TLS, and those that are named",
        arguments: [
            ("http://127.0.0.1:3141/simple", nil, "10.0.2.2:3141"), ("http://localhost/simple", nil, "10.0.2.2"),
            ("http://me:s3cr3t@127.0.0.1:3141/simple", "a.test", "a.test 10.0.2.2:3141"),
            ("https://127.0.0.1:1/simple", nil, nil), ("https://127.0.0.1:1/simple", "127.0.0.1:1", "10.0.2.2:1"),
            ("https://a.test/simple", "localhost\n a.test", "10.0.2.2 a.test"), ("http://a.test/simple", nil, nil),
        ] as [(String, String?, String?)])
    func trusted(_ index: String, _ named: String?, _ seen: String?) {
        var environment = ["PIP_INDEX_URL": index]
        environment["PIP_TRUSTED_HOST"] = named
        let files = files(HostSettings(environment: environment))
        #expect(files.environment["UV_INSECURE_HOST"] == seen)
        let line = files.contents["pip.conf"]?.split(separator: "\n").first { $0.hasPrefix("trusted-host") }
        #expect(line.map(String.init) == seen.map { "trusted-host = \($0)" })
    }

    @Test("are found among several indexes, each of them")
    func severalIndexes() {
        let host = HostSettings(
            environment: ["PIP_EXTRA_INDEX_URL": "http://localhost:1/a http://127.0.0.1:2/b\n http://127.0.0.1:2/c"])
        let files = files(host)
        #expect(
            files.environment["UV_INDEX"] == "http://10.0.2.2:1/a http://10.0.2.2:2/b http://10.0.2.2:2/c")
        #expect(files.environment["UV_INSECURE_HOST"] == "10.0.2.2:1 10.0.2.2:2")
        #expect(host.needsHostLoopback)
    }

    @Test("keep their logins for apt, and no password or comment is taken for a name")
    func logins() {
        let text = """
            # machine localhost is near
            machine http://127.0.0.1:8100/debian login me password localhost
            machine localhost
              login machine
              password  127.0.0.1
            machine a.test login b password machine
            machine localhost.test/x login c password d

            """
        let seen = """
            # machine localhost is near
            machine http://10.0.2.2:8100/debian login me password localhost
            machine 10.0.2.2
              login machine
              password  127.0.0.1
            machine a.test login b password machine
            machine localhost.test/x login c password d

            """
        #expect(files(HostSettings(aptCredentials: text)).contents["auth.conf"] == seen)
    }

    @Test(
        "keep apt's settings for a single host",
        arguments: [
            (#"Acquire::http::Proxy::127.0.0.1 "DIRECT""#, #"Acquire::http::Proxy::10.0.2.2 "DIRECT""#),
            (
                #"Acquire::https::Proxy::localhost "http://localhost:1""#,
                #"Acquire::https::Proxy::10.0.2.2 "http://10.0.2.2:1""#
            ),
            (#"Acquire::http::Proxy::a.test "DIRECT""#, #"Acquire::http::Proxy::a.test "DIRECT""#),
        ])
    func settingOfOneHost(_ setting: String, _ seen: String) {
        #expect(aptSettingSeenFromMachine(setting) == seen)
    }
}
