import AWSServices
import Foundation
import Sandbox
import Testing
import Workbench

@testable import AWSProvider

@Suite("The order for a build machine")
struct MachineRulesTests {
    static let source = SourceImage(id: "ami-0123456789abcdef0", name: "jammy", rootDeviceName: "/dev/sda1", rootGiB: 8)
    static let order = MachineOrder(source: source, instanceType: "t3.medium", volumeGiB: 100, user: "jupyter")

    @Test("the template has the parameters that are set, and the outputs that are read")
    func template() throws {
        let stack = try MachineStack(Self.order, networks: [], keyName: "k", tags: [])
        let order = stack.order(named: "S", userData: "x")
        #expect(
            Set(TemplateTests.keys(of: "Parameters", in: MachineStack.template))
                == Set(stack.parameters.keys).union([MachineStack.Name.userData]))
        #expect(Set(order.parameterNames) == Set(order.parameters.keys))
        #expect(TemplateTests.keys(of: "Outputs", in: MachineStack.template).contains(MachineStack.Name.instanceID))
        #expect(!order.isProtected)
    }

    @Test("networks are told apart by version, and too many are refused")
    func networks() throws {
        let networks = try ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"].map { try IPNetwork($0) }
        let parameters = try MachineStack(Self.order, networks: networks, keyName: "k", tags: []).parameters
        #expect(parameters["SSHIPv4Network1"] == "192.0.2.0/24" && parameters["SSHIPv4Network2"] == "198.51.100.7/32")
        #expect(parameters["SSHIPv4Network3"] == "" && parameters["SSHIPv6Network1"] == "2001:db8::/32")
        let many = try (0..<5).map { try IPNetwork("10.\($0).0.0/16") }
        #expect(throws: Failure.self) { try MachineStack(Self.order, networks: many, keyName: "k", tags: []) }
    }

    @Test("the volume is no smaller than the image's", arguments: [(4, "8"), (8, "8"), (100, "100")])
    func volume(_ wanted: Int, _ given: String) throws {
        var order = Self.order
        order.volumeGiB = wanted
        #expect(try MachineStack(order, networks: [], keyName: "k", tags: []).parameters["VolumeSize"] == given)
    }

    @Test("user data names user, host key and end, and fits into a parameter")
    func userData() throws {
        let secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\nNzaC1r\n-----END OPENSSH PRIVATE KEY-----\n"
        let data = UserData(
            user: "jupyter", hostKey: HostKey(secret: secret, publicLine: "ssh-ed25519 AAAA machine\n"),
            expires: Date(timeIntervalSince1970: 1_800_000_000))
        #expect(
            data.text == """
                #cloud-config
                user:
                  name: jupyter
                  sudo: ALL=(ALL) NOPASSWD:ALL
                ssh_deletekeys: true
                ssh_genkeytypes: [ed25519]
                ssh_keys:
                  ed25519_private: |
                    -----BEGIN OPENSSH PRIVATE KEY-----
                    b3Blbn
                    NzaC1r
                    -----END OPENSSH PRIVATE KEY-----
                  ed25519_public: ssh-ed25519 AAAA
                bootcmd:
                  - [systemd-run, --no-block, --unit=dss-expiry, "--on-calendar=2027-01-15 08:00:00 UTC", systemctl, poweroff]

                """)
        #expect(!"\(data)".contains("b3Blbn"), "it does not print its key")
    }

    @Test("a real key fits, even with the longest user name")
    func size() async throws {
        try await withTemporaryDirectory { folder in
            try await SystemCommandRunner().run(.sshKeygen(path: "\(folder)/key", comment: "host"))
            let key = HostKey(
                secret: try readText("\(folder)/key"), publicLine: try readText("\(folder)/key.pub"))
            let text = UserData(user: String(repeating: "u", count: 32), hostKey: key, expires: Date()).text
            #expect(Data(text.utf8).base64EncodedString().utf8.count <= 4096)
        }
    }

    @Test(
        "what a system says of itself is read as the shell would",
        arguments: [
            ("ID=debian\nVERSION_CODENAME=bookworm\n", "debian", "bookworm"),
            ("PRETTY_NAME=\"Ubuntu 22.04\"\nID=ubuntu\nVERSION_CODENAME='jammy'\n", "ubuntu", "jammy"),
            ("ID=\"amzn\"\nVERSION_ID=\"2023\"\n", "amzn", "2023"), ("", "an unknown system", ""),
        ])
    func osRelease(_ text: String, _ id: String, _ codename: String) {
        let found = OSRelease(text)
        #expect(found.id == id && found.codename == codename)
    }

    @Test("amounts of money", arguments: [(0.0464, "0.046"), (1.2, "1.200"), (0.9996, "1.000"), (0, "0.000")])
    func dollars(_ amount: Double, _ text: String) {
        #expect(Machines.dollars(amount) == text)
    }
}

/// What ssh itself makes of the configuration.
@Suite("How a build machine is reached")
struct MachineSSHConfigTests {
    static func config(_ included: String?) -> SSHConfig {
        let isOpen = included != nil
        return SSHConfig(
            alias: isOpen ? "192.0.2.10" : "ec2-1-0", host: isOpen ? nil : "192.0.2.10", port: isOpen ? nil : 22,
            user: "ubuntu", identityFile: "/state/key", knownHostsFile: "/state/known_hosts",
            controlPath: "/state/mux", hostKeyAlias: "ec2-1-0", includedFile: included)
    }

    /// `ssh -G`, as a dictionary of the first value of each setting.
    static func settings(_ config: SSHConfig, in folder: String) async throws -> [String: String] {
        try writeAtomically(config.text, to: "\(folder)/config")
        let text = try await SystemCommandRunner().run(
            Command("ssh", ["-G", "-F", "\(folder)/config", config.alias]))
        let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            return words.count == 2 ? (words[0], words[1]) : nil
        }
        return Dictionary(pairs) { first, _ in first }
    }

    @Test("without a user's SSH configuration")
    func plain() async throws {
        try await withTemporaryDirectory { folder in
            let settings = try await Self.settings(Self.config(nil), in: folder)
            #expect(settings["hostname"] == "192.0.2.10" && settings["port"] == "22")
            #expect(settings["proxyjump"] == nil && settings["hostkeyalias"] == "ec2-1-0")
        }
    }

    @Test("a user's SSH configuration applies without weakening the checks")
    func included() async throws {
        try await withTemporaryDirectory { folder in
            let file = "\(folder)/my jump.conf"
            try writeAtomically(
                """
                Host 192.0.2.10
                  Port 2222
                  ProxyJump bastion
                  HostName inner.example.com
                Host bastion
                  HostName 203.0.113.1
                  User jumper
                Host *
                  User root
                  StrictHostKeyChecking no
                  UserKnownHostsFile /dev/null
                  KnownHostsCommand /bin/echo ssh-ed25519 AAAA
                  UpdateHostKeys yes
                  IdentityFile /home/me/other
                  HostKeyAlias other
                  ForwardAgent yes
                  ControlPath none
                  BatchMode no

                """, to: file)
            let config = Self.config(file)
            let settings = try await Self.settings(config, in: folder)
            #expect(settings["hostname"] == "inner.example.com" && settings["port"] == "2222")
            #expect(settings["proxyjump"] == "bastion")
            let ours = [
                "user": "ubuntu", "stricthostkeychecking": "true", "userknownhostsfile": "/state/known_hosts",
                "globalknownhostsfile": "none", "updatehostkeys": "false", "hostkeyalias": "ec2-1-0",
                "identityfile": "/state/key", "forwardagent": "no", "batchmode": "yes", "controlpath": "/state/mux",
                "identitiesonly": "yes", "nohostauthenticationforlocalhost": "no",
            ]
            for (name, value) in ours { #expect(settings[name] == value, "\(name)") }
            #expect(["none", nil].contains(settings["knownhostscommand"]))

            var bastion = config
            bastion.alias = "bastion"
            let jump = try await SystemCommandRunner().run(
                Command("ssh", ["-G", "-F", "\(folder)/config", "bastion"]))
            #expect(jump.contains("hostname 203.0.113.1\n") && jump.contains("user jumper\n"))
        }
    }
}
