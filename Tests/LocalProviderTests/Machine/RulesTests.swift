import Testing
import Workbench

@testable import LocalProvider
@testable import Sandbox

/// Tests of pure functions; each table row is an input and the expected result.
@Suite struct RulesTests {
    static let debian = SandboxDefinition.BaseSystem()

    static let ownEntries: [(name: String, file: String, text: String, uris: [String])] = [
        ("one line", "a.list", "deb http://m.test/debian bookworm main contrib", ["http://m.test/debian"]),
        (
            "with options", "a.list", "deb [arch=amd64 trusted=yes] http://m.test/debian/ bookworm main",
            ["http://m.test/debian/"]
        ),
        ("other architecture", "a.list", "deb [arch=arm64] http://m.test/debian bookworm main", []),
        ("source packages", "a.list", "deb-src http://m.test/debian bookworm main", []),
        ("a comment", "a.list", "# deb http://m.test/debian bookworm main", []),
        ("other suite", "a.list", "deb http://m.test/debian trixie main", []),
        ("suite of a third party", "a.list", "deb http://m.test/debian bookworm-pgdg main\n", []),
        ("component of a third party", "a.list", "deb http://m.test/linux/debian bookworm stable", []),
        (
            "key of a third party", "a.list",
            "deb [signed-by=/usr/share/keyrings/x.gpg] http://m.test/debian bookworm main", []
        ),
        ("path of a third party", "a.list", "deb http://apt.m.test bookworm main", []),
        ("cd-rom", "a.list", "deb cdrom:[Debian 12]/debian bookworm main", []),
        (
            "own key, any path", "a.list",
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://m.test/x bookworm main",
            ["http://m.test/x"]
        ),
        (
            "deb822", "a.sources",
            """
            # comment
            Types: deb deb-src
            URIs: http://m.test/debian
            Suites: bookworm bookworm-updates trixie
            Components: main
            Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

            Types: deb
            URIs: http://m.test/debian-security
            Suites: bookworm-security
            Components: main
            """, ["http://m.test/debian", "http://m.test/debian-security"]
        ),
        (
            "deb822, disabled", "a.sources",
            "Enabled: no\nTypes: deb\nURIs: http://m.test/debian\nSuites: bookworm\nComponents: main", []
        ),
        (
            "deb822, key in the file", "a.sources",
            "Types: deb\nURIs: http://m.test/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN\n .\n x",
            []
        ),
        (
            "security alone", "a.sources",
            "Types: deb\nURIs: http://m.test/debian-security\nSuites: bookworm-security\nComponents: main", []
        ),
    ]

    @Test(arguments: ownEntries)
    func onlyTheDistributionsOwnSourcesAreTaken(_ row: (name: String, file: String, text: String, uris: [String])) {
        let own = Self.debian.ownSources(in: [row.file: row.text])
        #expect(own.flatMap(\.uris) == row.uris, "\(row.name)")
        #expect(own.flatMap(\.suites).allSatisfy { $0.hasPrefix("bookworm") })
    }

    @Test func aMirrorListIsFollowed() {
        let host = [
            "/etc/apt/sources.list.d/debian.sources":
                "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: bookworm\nComponents: main",
            "/etc/apt/mirrors/debian.list": "http://m.test/debian\n",
        ]
        #expect(Self.debian.ownSources(in: host).flatMap(\.uris) == ["http://m.test/debian"])
    }

    @Test func sourcesAreWrittenWithTheKeyringsThatAreThere() {
        let source = AptSource(
            uris: ["http://m.test/debian"], suites: ["bookworm"], components: ["main"], signedBy: "/k.gpg")
        let text = "Types: deb\nURIs: http://m.test/debian\nSuites: bookworm\nComponents: main\n"
        #expect(source.text { _ in false } == text)
        #expect(source.text { _ in true } == text + "Signed-By: /k.gpg\n")
    }

    @Test(arguments: [
        ("6.1.0", "dss-6-1-0-"), ("a b_c", "dss-a-b-c-"),
        (String(repeating: "x", count: 64), "dss-\(String(repeating: "x", count: 40))-"),
    ])
    func namesFitTheSystem(_ id: String, _ prefix: String) {
        let name = machineName(id, stateDirectory: "/s")
        #expect(name.hasPrefix(prefix) && name.count == prefix.count + 8 && name.count < 64)
        #expect(name == machineName(id, stateDirectory: "/s"))
        #expect(name != machineName(id, stateDirectory: "/t"))
    }

    @Test func namesOfIDsThatLookAlikeDiffer() {
        #expect(machineName("6.1", stateDirectory: "/s") != machineName("6-1", stateDirectory: "/s"))
    }

    @Test func theKeyOfABaseChangesWithAllThatGoesIn() {
        let host = HostSettings(aptSources: ["a.list": "deb http://m.test/debian bookworm main"])
        var other = Self.debian
        other.suite = "trixie"
        let keys = [
            BaseRecipe(Self.debian, profile: .vm, host: host), BaseRecipe(Self.debian, profile: .tiny, host: host),
            BaseRecipe(Self.debian, profile: .vm, host: HostSettings()), BaseRecipe(other, profile: .vm, host: host),
        ].map(\.key)
        #expect(Set(keys).count == keys.count)
        #expect(BaseRecipe(Self.debian, profile: .vm, host: host).key == keys[0])
        #expect(layerKey(below: "a", step: "b") != layerKey(below: "b", step: "a"))
    }

    @Test func mmdebstrapIsCalledWithTheSourcesAndNoFilter() {
        let host = HostSettings(aptSources: ["a.list": "deb http://m.test/debian bookworm main"])
        let recipe = BaseRecipe(Self.debian, profile: .tiny, host: host)
        let command = recipe.mmdebstrap(target: "/t", files: "/f", environment: ["E": "1"])
        #expect(
            command.arguments == [
                "--verbose", "--mode=root", "--format=directory", "--variant=minbase", "--architectures=amd64",
                "--skip=check/empty,cleanup/apt/lists", "--dpkgopt=force-unsafe-io",
                "--include=systemd,systemd-sysv,openssh-server,iproute2,ca-certificates",
                #"--extract-hook=sh "$DSS_BASE_FILES/base-extract.sh" "$1""#,
                #"--essential-hook=sh "$DSS_BASE_FILES/base-early.sh" "$1""#,
                #"--customize-hook=sh "$DSS_BASE_FILES/base-finish.sh" "$1""#, "--aptopt=/f/apt.conf", "bookworm",
                "/t", "/f/build.sources",
            ])
        #expect(command.environment["E"] == "1" && command.environment["DSS_PROFILE"] == "tiny")
    }

    @Test func theNetworkTouchesNothingOfTheHost() {
        let network = MachineNetwork(name: "dss-x")
        #expect(
            network.slirp(hostLoopback: false)
                == Command(
                    "unshare",
                    [
                        "--mount", "--propagation", "private", "slirp4netns", "--configure", "--mtu=65520",
                        "--enable-sandbox", "--enable-seccomp", "--disable-host-loopback", "--netns-type=path",
                        "/run/netns/dss-x", "tap0",
                    ]))
        #expect(network.isSlirp(["/usr/bin/slirp4netns", "--netns-type=path", "/run/netns/dss-x", "tap0"]))
        #expect(!network.isSlirp(["slirp4netns", "--netns-type=path", "/run/netns/dss-xy", "tap0"]))
        #expect(network.linkLocalBlocked.arguments.suffix(2) == ["unreachable", "169.254.0.0/16"])
        #expect(network.proxyCommand == "nsenter --net=/run/netns/dss-x nc 127.0.0.1 2222")
    }

    @Test func theContainerSharesNeitherDevicesNorFilesOfTheBuild() {
        let nspawn = Nspawn(
            name: "dss-x", root: "/r", files: "/f", temporary: "/t", networkPath: "/run/netns/dss-x", hasSystemd: false)
        let command = nspawn.command(environment: [:])
        #expect(command.arguments.contains("--bind-ro=/f:/run/dss"))
        #expect(command.arguments.contains("--keep-unit"))
        #expect(!command.arguments.contains { $0.contains("/dev") })
    }

    @Test func nspawnGetsPathsInItsOwnSyntax() {
        let nspawn = Nspawn(
            name: "dss-x", root: "/r", files: "/a:b/f%2F", temporary: #"/a\b"#, networkPath: "/n", hasSystemd: true)
        let binds = nspawn.command(environment: [:]).arguments.filter { $0.hasPrefix("--bind") }
        #expect(
            binds == [
                #"--bind=/a\\b:/tmp"#, #"--bind-ro=/a\:b/f%2F:/run/dss"#, #"--bind=/a\:b/f%2F/apt:/run/dss/apt"#,
                #"--bind-ro=/a\:b/f%2F/system:/run/systemd/system"#,
                #"--bind-ro=/a\:b/f%2F/resolv.conf:/etc/resolv.conf"#,
            ])
    }

    @Test func overlaysNameTheirFeaturesAndEscapePaths() {
        let overlay = Overlay(lower: ["/base", "/a:b"], upper: (changes: "/u", work: "/w"), target: "/t")
        #expect(
            overlay.mount.arguments == [
                "-t", "overlay", "-o",
                #"lowerdir=/a\:b:/base,upperdir=/u,workdir=/w,volatile,redirect_dir=off,metacopy=off,index=off,xino=off"#,
                "dss", "/t",
            ])
        #expect(
            Overlay(lower: ["/a", "/b"], upper: nil, target: "/t").mount.arguments[3].contains("lowerdir=/b:/a,ro,"))
    }

    @Test func mountsAreFoundBelowADirectoryLastFirst() {
        let table = MountTable("dss /a/b overlay rw 0 0\nt /a/b/c\\040d tmpfs rw 0 0\nt /ab tmpfs rw 0 0\n")
        #expect(table.below("/a") == ["/a/b/c d", "/a/b"])
        #expect(table.below("/ab") == ["/ab"])
    }

    @Test(
        "the file system of a path is the one of the mount above it",
        arguments: [
            ("/", "overlay"), ("/var/cache/dss", "overlay"), ("/srv/a b/c", "nfs4"), ("/srv/a b", "nfs4"),
            ("/srv/a bc", "xfs"), ("/mnt/x", "tmpfs"),
        ])
    func typeOfFileSystem(path: String, type: String) {
        let table = MountTable(
            "o / overlay rw 0 0\nd /srv xfs rw 0 0\ns:/ /srv/a\\040b nfs4 rw 0 0\nv /mnt vfat rw 0 0\nt /mnt tmpfs rw 0 0\n"
        )
        #expect(table.type(of: path) == type)
        #expect(MountTable("").type(of: path) == nil)
    }

    @Test(
        "who cannot use a file system is told which option to give, or which privilege is missing",
        arguments: [
            ("overlay", true, "--cache or DSS_CACHE"), ("vfat", false, "--cache or DSS_CACHE"),
            ("ext4", true, "privileged"), ("ext4", false, "--cache or DSS_CACHE"),
        ])
    func unsuitable(type: String, mayBePrivilege: Bool, advice: String) {
        let failure = ContentCache(directory: "/c").unsuitable(
            .init("reason", mayBePrivilege ? .privilege : .fileSystem, details: ["mount: no"]),
            mounts: MountTable("x / \(type) rw 0 0\n"))
        #expect(failure.code == .unavailable && failure.message.contains("/c cannot be used for builds: reason"))
        #expect(failure.details == ["its file system is \(type)", "mount: no"])
        #expect(failure.advice?.contains(advice) == true)
    }

    @Test func ofPipsConfigurationOnlyPlacesAreTaken() {
        let text = """
            [global]
            index-url = https://index.test/simple
            extra-index-url =
                https://a.test/simple
                https://b.test/simple
            find-links = /opt/wheels
            cert = /somewhere/ca.crt
            [list]
            proxy = http://never.test
            """
        let pip = PipSettings(configurations: [text], environment: ["PIP_TRUSTED_HOST": "a.test"])
        #expect(
            pip.values == [
                "index-url": "https://index.test/simple", "trusted-host": "a.test",
                "extra-index-url": "https://a.test/simple https://b.test/simple",
            ])
        #expect(pip.text(certificates: "/c").hasPrefix("[global]\ncert = /c\nextra-index-url = https://a"))
    }

    @Test(arguments: [
        ("http://127.0.0.1:3128", "http://10.0.2.2:3128"), ("http://u:p@localhost:1/x", "http://u:p@10.0.2.2:1/x"),
        ("127.0.0.1:3128", "10.0.2.2:3128"), ("localhost", "10.0.2.2"), ("localhost.test:1", "localhost.test:1"),
        ("http://localhost.test/", "http://localhost.test/"), ("http://proxy.test:8080", "http://proxy.test:8080"),
        (#"Acquire::http::Proxy "http://localhost""#, #"Acquire::http::Proxy "http://10.0.2.2""#),
    ])
    func theHostsLoopbackIsReachedAtAnotherAddress(_ url: String, _ seen: String) {
        #expect(seenFromMachine(url) == seen)
    }

    @Test func proxiesOfAptAreTakenOver() {
        let dump = """
            Acquire "";
            Acquire::http "";
            Acquire::http::Proxy "http://127.0.0.1:3142";
            Acquire::https::Proxy "";
            """
        let proxies = HostSettings.aptSettings(inDump: dump)
        #expect(proxies == [#"Acquire::http::Proxy "http://127.0.0.1:3142""#])
        #expect(HostSettings(aptSettings: proxies).needsHostLoopback)
        let settings = Self.machineFiles(HostSettings(aptSettings: proxies)).contents["apt.conf"]!
        #expect(settings.contains("10.0.2.2:3142"))
    }

    @Test func settingsOfAptForOneHostAndForSnapshotsAreTakenOver() {
        let dump = """
            Acquire::http::Proxy::mirror.local "DIRECT";
            Acquire::https::Proxy::10.1.2.3 "http://p.test:1";
            Acquire::Check-Valid-Until "false";
            Acquire::AllowInsecureRepositories "true";
            Acquire::http::Proxy-Auto-Detect "/usr/bin/detect";
            Acquire::Retries "3";
            """
        #expect(
            HostSettings.aptSettings(inDump: dump) == [
                #"Acquire::http::Proxy::mirror.local "DIRECT""#, #"Acquire::https::Proxy::10.1.2.3 "http://p.test:1""#,
                #"Acquire::Check-Valid-Until "false""#, #"Acquire::AllowInsecureRepositories "true""#,
            ])
    }

    private static func machineFiles(_ host: HostSettings) -> MachineFiles {
        MachineFiles(host: host, sources: PackageSources(debian, host: host.aptSources))
    }

    @Test func packagesAreLoadedWithTheHostsCertificates() {
        let host = HostSettings(
            certificates: "CA", environment: ["http_proxy": "http://p.test", "PIP_INDEX_URL": "https://i.test/simple"])
        let environment = Self.machineFiles(host).environment
        #expect(
            environment["SSL_CERT_FILE"] == "/run/dss/ca.crt" && environment["PIP_CONFIG_FILE"] == "/run/dss/pip.conf")
        #expect(
            environment["http_proxy"] == "http://p.test" && environment["UV_DEFAULT_INDEX"] == "https://i.test/simple")
        #expect(Self.machineFiles(HostSettings()).environment["SSL_CERT_FILE"] == nil)
    }

    @Test(arguments: [
        ("Unpacking zstd (1.5) ...", "unpacking zstd"), ("Setting up udev (252) ...", "setting up udev"),
        ("I: running apt-get update...", "downloading package lists"), ("Reading package lists...", nil),
    ])
    func aLineOfTheToolBecomesAnActivity(_ line: String, _ activity: String?) {
        #expect(BaseBuildLog.activity(line) == activity)
    }
}
