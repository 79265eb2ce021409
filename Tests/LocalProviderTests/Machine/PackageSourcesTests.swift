import Sandbox
import Testing
import Workbench

@testable import LocalProvider

@Suite("The package sources of builds and images")
struct PackageSourcesTests {
    typealias BaseSystem = SandboxDefinition.BaseSystem

    static let host = [
        "/etc/apt/sources.list.d/debian.sources": """
        Types: deb
        URIs: http://mirror.intranet/debian
        Suites: bookworm bookworm-updates bookworm-security
        Components: main
        """
    ]

    /// Each source as `URL suite`.
    static func entries(_ sources: [AptSource]) -> [String] {
        sources.flatMap { source in source.uris.flatMap { uri in source.suites.map { "\(uri) \($0)" } } }
    }

    /// The sources of the build, on a host without keyrings.
    static func text(_ sources: PackageSources) -> String { sources.buildText { _ in false } }

    static let builds: [(base: BaseSystem, entries: [String])] = [
        (
            BaseSystem(mirror: "http://m.test/debian"),
            [
                "http://m.test/debian bookworm", "http://m.test/debian bookworm-updates",
                "http://deb.debian.org/debian-security bookworm-security",
            ]
        ),
        (
            BaseSystem(mirror: "http://m.test/debian", securityMirror: "http://m.test/debian-security"),
            [
                "http://m.test/debian bookworm", "http://m.test/debian bookworm-updates",
                "http://m.test/debian-security bookworm-security",
            ]
        ),
        (
            BaseSystem(mirror: "http://m.test/debian", securityMirror: "none"),
            ["http://m.test/debian bookworm", "http://m.test/debian bookworm-updates"]
        ),
        (
            BaseSystem(distribution: .ubuntu, suite: "noble", mirror: "http://m.test/ubuntu"),
            [
                "http://m.test/ubuntu noble", "http://m.test/ubuntu noble-updates",
                "http://m.test/ubuntu noble-security",
            ]
        ),
        (BaseSystem(suite: "sid", mirror: "http://m.test/debian"), ["http://m.test/debian sid"]),
        (
            BaseSystem(),
            [
                "http://mirror.intranet/debian bookworm", "http://mirror.intranet/debian bookworm-updates",
                "http://mirror.intranet/debian bookworm-security",
            ]
        ),
        (
            BaseSystem(securityMirror: "http://m.test/s"),
            [
                "http://mirror.intranet/debian bookworm", "http://mirror.intranet/debian bookworm-updates",
                "http://m.test/s bookworm-security",
            ]
        ),
        (
            BaseSystem(securityMirror: "none"),
            ["http://mirror.intranet/debian bookworm", "http://mirror.intranet/debian bookworm-updates"]
        ),
        // A host of another distribution.
        (
            BaseSystem(distribution: .ubuntu, suite: "jammy", architecture: .arm64),
            ["", "-updates", "-security"].map { "http://ports.ubuntu.com/ubuntu-ports jammy\($0)" }
        ),
    ]

    @Test("a build uses the suite, its updates and its security updates", arguments: builds)
    func build(_ base: BaseSystem, _ entries: [String]) {
        let sources = PackageSources(base, host: Self.host)
        #expect(Self.entries(sources.build) == entries)
    }

    static let publicDebian = [
        "http://deb.debian.org/debian bookworm", "http://deb.debian.org/debian bookworm-updates",
        "http://deb.debian.org/debian-security bookworm-security",
    ]

    static let images: [(base: BaseSystem, entries: [String])] = [
        (BaseSystem(), publicDebian), (BaseSystem(mirror: "http://m.test/debian"), publicDebian),
        (BaseSystem(mirror: "file:///srv/debian", securityMirror: "none"), publicDebian),
        (
            BaseSystem(distribution: .ubuntu, suite: "noble"),
            [
                "http://archive.ubuntu.com/ubuntu noble", "http://archive.ubuntu.com/ubuntu noble-updates",
                "http://security.ubuntu.com/ubuntu noble-security",
            ]
        ),
        (
            BaseSystem(
                mirror: "https://anna:secret@m.test/debian", securityMirror: "https://anna:s@cret@m.test/security",
                sources: .mirror),
            [
                "https://m.test/debian bookworm", "https://m.test/debian bookworm-updates",
                "https://m.test/security bookworm-security",
            ]
        ),
    ]

    @Test("an image has public sources, or mirrors without passwords, and nothing of the host", arguments: images)
    func image(_ base: BaseSystem, _ entries: [String]) {
        let sources = PackageSources(base, host: Self.host)
        #expect(Self.entries(sources.image) == entries)
        let lines = sources.imageList.split(separator: "\n").filter { $0.hasPrefix("deb ") }
        let signed = lines.filter { $0.contains("[signed-by=\(base.distribution.keyring)]") }
        #expect(lines.count == entries.count && signed == lines)
    }

    @Test("cloud-init does not replace an image's own mirrors")
    func cloud() {
        let own = BaseSystem(mirror: "https://m.test/debian", sources: .mirror)
        let files = BaseRecipe(own, profile: .vm, host: HostSettings()).files
        #expect(files["cloud.cfg"]?.contains("preserve_sources_list: true") == true)
        #expect(BaseRecipe(BaseSystem(), profile: .vm, host: HostSettings()).files["cloud.cfg"] == nil)
    }

    @Test(
        "a password in a mirror is in the build's private files only",
        arguments: [
            BaseSystem(mirror: "https://anna:s3cret@m.test/debian"),
            BaseSystem(securityMirror: "http://anna:s3cret@m.test/debian-security"),
            BaseSystem(mirror: "https://anna:s@s3cret@m.test/debian", sources: .mirror),
        ])
    func password(_ base: BaseSystem) {
        let host = HostSettings(aptSources: Self.host)
        let recipe = BaseRecipe(base, profile: .vm, host: host)
        #expect(Self.text(recipe.sources).contains("s3cret"))
        let command = recipe.mmdebstrap(target: "/t", files: "/f", environment: [:])
        let shown = [
            "\(command)", command.shellLine, "\(recipe.inputs)", "\(recipe.files)", recipe.sources.buildIdentity,
        ]
        for text in shown { #expect(!text.contains("s3cret") && !text.contains("anna"), "\(text)") }
        let log = BaseBuildLog(events: { _ in }, isVerbose: true)
        log.take("Err:1 \(base.mirror) bookworm InRelease")
        #expect(!"\(log.lines)".contains("s3cret"))
        let machine = MachineFiles(host: host, sources: recipe.sources)
        for (name, text) in machine.contents where text.contains("s3cret") {
            #expect(name == "apt/build.list" && machine.isPrivate(name), "\(name)")
        }
        #expect(!MachineFiles(host: host, sources: PackageSources(BaseSystem(), host: [:])).isPrivate("apt/build.list"))
    }

    @Test("passwords that apt has for the host's mirrors are in effect in the machine, for root only")
    func credentialsOfTheHost() async throws {
        try await withTemporaryDirectory { root in
            try makeDirectory("\(root)/etc/apt/auth.conf.d")
            try writeAtomically("machine a.test login a password one", to: "\(root)/etc/apt/auth.conf")
            try writeAtomically("machine b.test login b password two\n", to: "\(root)/etc/apt/auth.conf.d/b.conf")
            try writeAtomically("machine c.test login c password six\n", to: "\(root)/etc/apt/auth.conf.d/c.orig")
            let host = await HostSettings.read(environment: [:], root: root, runner: SystemCommandRunner())
            let files = MachineFiles(host: host, sources: PackageSources(BaseSystem(), host: [:]))
            let lines = files.contents["auth.conf"]?.split(separator: "\n").map(String.init)
            #expect(lines == ["machine a.test login a password one", "machine b.test login b password two"])
            #expect(files.isPrivate("auth.conf") && !files.isPrivate("apt.conf"))
            #expect(files.contents["apt.conf"]?.contains(#"Dir::Etc::netrc "/run/dss/auth.conf";"#) == true)
        }
    }

    @Test("a password in the host's proxy is not an argument")
    func proxy() {
        let host = HostSettings(aptSettings: [#"Acquire::http::Proxy "http://anna:s3cret@p.test""#])
        let recipe = BaseRecipe(BaseSystem(), profile: .vm, host: host)
        let command = recipe.mmdebstrap(target: "/t", files: "/f", environment: [:])
        #expect(!"\(command)".contains("s3cret"))
    }

    @Test("the key follows the packages' origin, and not the password that gives access to it")
    func keys() {
        func key(_ base: BaseSystem) -> String { BaseRecipe(base, profile: .vm, host: HostSettings()).key }
        let bases = [
            BaseSystem(), BaseSystem(mirror: "https://m.test/debian"), BaseSystem(mirror: "https://n.test/debian"),
            BaseSystem(mirror: "https://m.test/debian", securityMirror: "none"),
            BaseSystem(mirror: "https://m.test/debian", sources: .mirror),
        ]
        #expect(Set(bases.map(key)).count == bases.count)
        #expect(key(bases[1]) == key(BaseSystem(mirror: "https://anna:secret@m.test/debian")))
    }

    @Test(
        "options of the host hold during the build, also in the machine, and not in the image",
        arguments: [
            ("a.list", "deb [trusted=yes check-valid-until=no arch=amd64] http://m.test/debian bookworm main"),
            (
                "a.sources",
                """
                Types: deb
                URIs: http://m.test/debian
                Suites: bookworm
                Components: main
                Trusted: yes
                Check-Valid-Until: no
                """
            ),
        ])
    func options(_ file: String, _ entry: String) {
        let host = HostSettings(aptSources: [file: entry])
        let sources = BaseRecipe(BaseSystem(), profile: .vm, host: host).sources
        let text = """
            Types: deb
            URIs: http://m.test/debian
            Suites: bookworm
            Components: main
            check-valid-until: no
            trusted: yes

            """
        #expect(Self.text(sources) == text)
        #expect(host.sourcesText(for: BaseSystem()) == text)
        #expect(
            sources.machineList == "deb [check-valid-until=no trusted=yes] http://m.test/debian bookworm main\n")
        #expect(!sources.imageList.contains("trusted") && !sources.imageList.contains("m.test"))
    }

    @Test("apt in the machine reads the sources of the build instead of those of the image")
    func machine() {
        let host = HostSettings(aptSources: Self.host)
        let files = MachineFiles(host: host, sources: PackageSources(BaseSystem(), host: host.aptSources))
        #expect(files.contents["apt/build.list"]?.contains("http://mirror.intranet/debian bookworm-security") == true)
        #expect(files.contents["apt.conf"]?.contains(#"Dir::Etc::sourcelist "/run/dss/apt/build.list";"#) == true)
        #expect(files.environment["APT_CONFIG"] == "/run/dss/apt.conf")
    }

    @Test("the machine reaches a mirror on the host's loopback, and a folder of the host")
    func mirrorsOfTheHost() {
        let loopback = PackageSources(BaseSystem(mirror: "http://localhost:8080/debian"), host: [:])
        #expect(loopback.needHostLoopback && loopback.differInMachine)
        #expect(loopback.machineList.contains(" http://10.0.2.2:8080/debian bookworm main\n"))
        #expect(Self.text(loopback).contains("URIs: http://localhost:8080/debian\n"))

        let folders = PackageSources(
            BaseSystem(mirror: "file:///srv/debian", securityMirror: "file:///srv/security"), host: [:])
        #expect(!folders.needHostLoopback && folders.differInMachine)
        #expect(folders.directoriesOfHost == ["/srv/debian", "/srv/security"])
        // dpkg in the new root does not see the folder, so apt must copy.
        #expect(Self.text(folders).contains("URIs: copy:///srv/debian\n"))
        #expect(folders.machineList.contains(" copy:///run/dss/apt/mirror1 bookworm-security main\n"))

        let remote = PackageSources(BaseSystem(mirror: "http://m.test/debian"), host: [:])
        #expect(!remote.needHostLoopback && !remote.differInMachine && remote.directoriesOfHost.isEmpty)
    }

    @Test(
        "package lists are kept for the first step only if the machine finds them",
        arguments: [
            ("http://m.test/debian", true), ("http://127.0.0.1/debian", false), ("file:///srv/debian", false),
        ])
    func lists(_ mirror: String, _ areKept: Bool) {
        let recipe = BaseRecipe(BaseSystem(mirror: mirror), profile: .tiny, host: HostSettings())
        let command = recipe.mmdebstrap(target: "/t", files: "/f", environment: [:])
        #expect(command.arguments.contains("--skip=check/empty,cleanup/apt/lists") == areKept)
        #expect(command.arguments.contains("--skip=check/empty") == !areKept)
    }

    @Test(
        "if only the security updates cannot be downloaded, the advice names their mirror",
        arguments: [
            (["Err:2 http://m.test/debian bookworm-security InRelease", "E: Some index files"], "security_mirror"),
            (
                ["Err:1 http://m.test/debian bookworm InRelease", "Err:2 http://s bookworm-security X"],
                "base.mirror in"
            ),
            (["E: something else"], "base.mirror in sandbox.yaml (currently http://m.test/debian)"),
        ])
    func advice(_ output: [String], _ words: String) {
        let base = BaseSystem(mirror: "http://anna:s3cret@m.test/debian")
        let advice = BaseRecipe(base, profile: .vm, host: HostSettings()).advice(afterFailedDownload: output)
        #expect(advice.contains(words) && !advice.contains("s3cret"))
        let host = BaseRecipe(BaseSystem(), profile: .vm, host: HostSettings()).advice(afterFailedDownload: output)
        #expect(host.contains("currently host"))
    }

    @Test("a folder of the host is mounted where the machine looks for it")
    func mounts() async throws {
        try await withTemporaryDirectory { folder in
            let nspawn = Nspawn(
                name: "dss-x", root: "/r", files: "/f", temporary: "/t", mirrors: [folder, "/gone"],
                networkPath: "/n", hasSystemd: true)
            let arguments = nspawn.command(environment: [:]).arguments
            #expect(arguments.contains("--bind-ro=\(folder):/run/dss/apt/mirror0"))
            let mirrors = arguments.filter { $0.contains("mirror") }
            #expect(mirrors.count == 1)
        }
    }
}
