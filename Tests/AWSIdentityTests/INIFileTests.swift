import Foundation
import Testing
import Workbench

@testable import AWSIdentity

/// The dialect of the configuration files, compared with botocore's parser.
@Suite("Configuration files")
struct INIFileTests {
    static let files: [(name: String, config: String, credentials: String)] = [
        ("plain", "[default]\nregion = eu-west-1\n", "[default]\naws_access_key_id=A\naws_secret_access_key = b=c\n"),
        ("profiles", "[profile dev]\nregion=a\n[profile 'my profile']\nregion=b\n[profile \"x y\"]\nregion=c\n", ""),
        ("not profiles", "[dev]\nregion=a\n[profile a b]\nregion=b\n[profile]\nregion=c\n[ default ]\nregion=d\n", ""),
        (
            "comments",
            "# one\n; two\n[default] # three\nregion = a # four\n# five\noutput = b;six\n  # seven\nx = y\n", ""
        ),
        ("spaces", "[default]\n  region =  a  \n  output\t=\tb\n\n\n[profile x]\n\nregion= c\n", ""),
        ("case", "[default]\nREGION = A\nMfa_Serial = arn:aws:iam::1:mfa/Ada\n", ""),
        ("colon", "[default]\nregion: a\nrole_arn : arn:aws:iam::1:role/x\n", ""),
        ("empty", "[default]\nregion =\noutput = x\n[profile y]\nservices =\n\n", ""),
        (
            "nested",
            "[services s]\nec2 =\n  endpoint_url = http://e\nSTS = \n\tEndpoint_URL=http://s\n\n  a = b = c\n", ""
        ),
        (
            "nested in a profile",
            "[profile p]\ns3 =\n    max_concurrent_requests = 20\n    # no\n    x = y\nregion = a\n", ""
        ),
        ("continued", "[default]\nregion = a\n  b\n\n  c\noutput = d\n", ""),
        ("a section in a value", "[default]\nregion = a\n  [profile x]\noutput = b\n", ""),
        (
            "sso",
            "[sso-session corp]\nsso_region = a\nsso_start_url = https://x/#/\n[profile p]\nsso_session = corp\n", ""
        ),
        ("line ends", "[default]\r\nregion = a\r\n\r\n[profile x]\rregion = b\r", ""),
        ("no line end", "[default]\nregion = a", ""),
        ("unicode", "[profile bücher]\nregion = ä\u{00A0}\n", ""),
        (
            "defaults of all", "[DEFAULT]\nregion = a\noutput = c\n[profile x]\nregion = b\n[profile y]\n",
            "[z]\nk = v\n"
        ),
        ("default twice", "[profile default]\nregion = a\n[default]\noutput = b\n", ""),
        (
            "merged", "[default]\nregion=a\nrole_arn=r\n[profile x]\nregion=b\n",
            "[default]\nregion=c\n[x]\nk=v\n[profile y]\nk=w\n"
        ),
        ("brackets", "[profile x] trailing\nregion = [a]\n[profile y]] # ]\nregion = b\n", ""),
        ("only one", "", "[default]\naws_access_key_id = A\naws_secret_access_key = B\n"),
    ]

    @Test("are parsed as botocore parses them", arguments: files.indices)
    func parity(_ index: Int) async throws {
        let (name, config, credentials) = Self.files[index]
        try await withTemporaryDirectory { home in
            try makeDirectory("\(home)/.aws")
            try writeAtomically(config, to: "\(home)/.aws/config")
            try writeAtomically(credentials, to: "\(home)/.aws/credentials")
            let script = """
                import botocore.session
                config = botocore.session.Session().full_config
                answer = {key: config.get(key, {}) for key in ("profiles", "sso_sessions", "services")}
                """
            let expected = try await Botocore.ask(script, [:], home: home) as! NSDictionary
            let read = try ConfigurationFiles(FakeWorld(config: config, credentials: credentials).world)
            #expect(read.dump == expected, "\(name)")
        }
    }

    static let mistakes: [(text: String, expected: [String])] = [
        ("region = a\n", ["1:1: error: expected a section header: [default]"]),
        ("[default]\n  sEcReT\nregion = a\n", ["2:3: error: expected 'key = value'"]),
        ("[default\nregion = a\n", ["1:1: error: expected a section header: [default]"]),
        ("[a]\n[b\n", ["2:1: error: section header has no closing ']'"]),
        ("[default]\nx = sEcReT\nx = sEcReT\n", ["3:1: error: duplicate key, first defined on line 2"]),
        ("[a]\n[b]\n[a]\n", ["3:1: error: duplicate section [a], first defined on line 1"]),
        ("[default]\n = sEcReT\n", ["2:2: error: missing key before '='"]),
        ("[default]\ns3 =\n   sEcReT\n", ["3:4: error: expected 'key = value'"]),
        (
            "[default]\nsEcReT\n[x]\nsEcReT\n",
            ["2:1: error: expected 'key = value'", "4:1: error: expected 'key = value'"]
        ),
    ]

    @Test("all errors are reported at once, with their location and without the value", arguments: mistakes)
    func told(_ text: String, _ expected: [String]) async throws {
        for (config, credentials) in [(text, nil), (nil, text)] as [(String?, String?)] {
            let world = FakeWorld(config: config, credentials: credentials).world
            let path = "/home/ada/.aws/\(config == nil ? "credentials" : "config")"
            let error = try #require(throws: IdentityError.self) { try ConfigurationFiles(world) }
            #expect(error.kind == .files)
            #expect(error.details == expected.map { "\(path):\($0)" })
            #expect(!"\(error)".contains("sEcReT"))
        }
        // botocore rejects them too.
        try await withTemporaryDirectory { home in
            try makeDirectory("\(home)/.aws")
            try writeAtomically(text, to: "\(home)/.aws/config")
            let script = """
                import botocore.session, botocore.exceptions
                try:
                    botocore.session.Session().full_config
                    answer = "fine"
                except botocore.exceptions.ConfigParseError:
                    answer = "broken"
                """
            #expect(try await Botocore.ask(script, [:], home: home) as? String == "broken")
        }
    }

    @Test("a byte order mark is skipped, invalid UTF-8 is an error")
    func bytes() throws {
        let marked = INIFile(Array("\u{FEFF}[default]\nregion = a\n".utf8), path: "c", shownPath: "c")
        #expect(marked.sections.first?.entries["region"]?.value == "a")
        #expect(marked.mistakes.isEmpty)
        let broken = INIFile(Array("[default]\nregion = ".utf8) + [0xFF, 0x0A], path: "c", shownPath: "c")
        #expect(broken.mistakes == ["c:2:1: error: not valid UTF-8"])
    }

    @Test("environment variables name other files; ~ and variables are expanded")
    func paths() throws {
        let world = FakeWorld(
            environment: [
                "AWS_CONFIG_FILE": "~/other/$NAME", "AWS_SHARED_CREDENTIALS_FILE": "${DIR}/keys", "NAME": "conf",
                "DIR": "/etc/x",
            ],
            files: ["/home/ada/other/conf": "[profile a]\n", "/etc/x/keys": "[b]\n"])
        let files = try ConfigurationFiles(world.world)
        #expect(files.profiles.keys.sorted() == ["a", "b"])
        #expect(files.configurationPath == "~/other/conf")
    }

    @Test("an unreadable file does not count as missing")
    func unreadable() throws {
        let world = FakeWorld(config: "[default]\n")
        world[\.unreadable] = ["/home/ada/.aws/config"]
        let error = try #require(throws: IdentityError.self) { try ConfigurationFiles(world.world) }
        #expect(error.message == "cannot read ~/.aws/config")
        #expect(error.details == ["Permission denied"])
    }

    @Test("words are split as shlex splits them")
    func words() async throws {
        let lines = [
            "a b", "  a\tb ", "'a b' c", "\"a b\"c", #"a\ b"#, #""a\"b" 'c\d' "e\f""#, "''", "a '' b", "'open", "a\\",
            "x=\"1 2\"", "", "\"a'b\" 'c\"d'", "/opt/My\\ Tools/run --x 'y z'",
        ]
        let script = """
            import shlex
            def split(line):
                try:
                    return shlex.split(line)
                except ValueError:
                    return None
            answer = [split(line) for line in question]
            """
        let expected = try await Botocore.ask(script, lines) as! [Any]
        for (line, words) in zip(lines, expected) { #expect(shellWords(line) == words as? [String], "\(line)") }
    }
}

extension ConfigurationFiles {
    /// The content in the format of botocore's `full_config`.
    fileprivate var dump: NSDictionary {
        func value(_ entry: INIFile.Entry) -> Any { entry.nested.map { $0.mapValues(value) } ?? entry.value }
        return [
            "profiles": profiles.mapValues { profile in
                profile.configuration.merging(profile.credentials) { $1 }.mapValues(value)
            },
            "sso_sessions": ssoSessions.mapValues { $0.mapValues(value) },
            "services": services.mapValues { $0.mapValues(value) },
        ] as NSDictionary
    }
}
