import Sandbox
import Testing

@testable import Provisioning

@Suite("The seal's script")
struct SealScriptTests {
    @Test("carries user and password as shell words that cannot break out")
    func quoting() throws {
        let script = try SealScript(user: "ubuntu", password: Secret("it's $(a) `b`")).text
        #expect(script.hasPrefix("dss_user=ubuntu\ndss_password='it'\\''s $(a) `b`'\n"))
    }

    @Test("refuses a password of several lines")
    func lines() {
        #expect(throws: Failure.self) { try SealScript(user: "ubuntu", password: Secret("a\nb")) }
    }
}
