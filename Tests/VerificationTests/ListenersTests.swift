import Testing

@testable import Verification

struct ListenersTests {
    @Test(
        arguments: [
            ("LISTEN 0 128 127.0.0.1:49494 0.0.0.0:*", true, nil),
            ("LISTEN 0 128 127.0.0.1:49494 0.0.0.0:*\nLISTEN 0 128 [::1]:49494 [::]:*\n", true, nil),
            ("LISTEN 0 128 0.0.0.0:49494 0.0.0.0:*\nLISTEN 0 128 [::]:49494 [::]:*", false, nil),
            ("LISTEN 0 128 127.0.0.1:49494 0.0.0.0:*", false, "JupyterLab listens only on 127.0.0.1:49494"),
            (
                "LISTEN 0 128 127.0.0.1:49494 0.0.0.0:*\nLISTEN 0 128 *:49494 *:*", true,
                "JupyterLab listens on *:49494, not only for SSH tunnels"
            ),
            (
                "LISTEN 0 128 10.0.2.15:49494 0.0.0.0:*", true,
                "JupyterLab listens on 10.0.2.15:49494, not only for SSH tunnels"
            ),
            ("", true, "no socket listens on the port of JupyterLab"),
            ("", false, "no socket listens on the port of JupyterLab"),
        ] as [(String, Bool, String?)])
    func socketsAreComparedWithTheMessage(output: String, needsTunnel: Bool, fault: String?) {
        let listeners = Listeners(output)
        let expected = fault.map(Verdict.failed) ?? .passed(listeners.addresses.joined(separator: ", "))
        #expect(listeners.verdict(needsTunnel: needsTunnel) == expected)
    }
}
