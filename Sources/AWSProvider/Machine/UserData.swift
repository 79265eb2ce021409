import FoundationEssentials
import Sandbox

/// What cloud-init does at the first boot of a build machine: the login user, the host key, the end of its time.
struct UserData: Sendable {
    let user: String
    let hostKey: HostKey
    let expires: Date

    /// The timer's name on the machine. It lives in `/run` alone, so that it cannot get into an image.
    static let timer = "dss-expiry"

    /// At most 3 KiB, since a parameter of a stack holds 4,096 bytes of base64.
    ///
    /// The default user is renamed by `user`: `system_info` cannot be overridden by user data. With `ssh_keys` no other
    /// host key is generated. The timer is set at every boot, without waiting for it, because it starts only after
    /// the stage of the boot that sets it.
    /// Source: <https://cloudinit.readthedocs.io/en/latest/reference/modules.html>
    var text: String {
        """
        #cloud-config
        user:
          name: \(user)
          sudo: ALL=(ALL) NOPASSWD:ALL
        ssh_deletekeys: true
        ssh_genkeytypes: [ed25519]
        ssh_keys:
          ed25519_private: |
        \(hostKey.secret.reveal.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
          ed25519_public: \(hostKey.publicKey)
        \(Self.powerOff(at: expires))
        """
    }

    /// For a machine that is to be what its image makes of it: the timer alone, which lives in memory.
    static func expiry(_ expires: Date) -> String { "#cloud-config\n" + powerOff(at: expires) }

    private static func powerOff(at moment: Date) -> String {
        // As systemd takes it.
        let text = moment.formatted(.iso8601).replacing("T", with: " ").replacing("Z", with: " UTC")
        return """
            bootcmd:
              - [systemd-run, --no-block, --unit=\(timer), "--on-calendar=\(text)", systemctl, poweroff]

            """
    }
}
