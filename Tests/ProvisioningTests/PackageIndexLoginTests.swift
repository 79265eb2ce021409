import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("A package index with a password")
struct PackageIndexLoginTests {
    @Test("logins of indexes and links go to a file with one for each host")
    func logins() throws {
        let settings = """
            global.extra-index-url='https://me:a%40b@one.test/x\\nhttps://two.test/z'
            global.index-url='https://me:a%40b@one.test:8443/simple'
            :env:.find-links='http://you:c@three.test/links /srv/wheels'
            global.trusted-host='one.test'
            """
        let (environment, netrc) = try PackageIndex.separatingLogins(inPipSettings: settings)
        #expect(
            environment == [
                "PIP_INDEX_URL": "https://one.test:8443/simple",
                "PIP_EXTRA_INDEX_URL": "https://one.test/x https://two.test/z",
                "PIP_FIND_LINKS": "http://three.test/links /srv/wheels",
            ])
        #expect(netrc == "machine one.test login me password a@b\nmachine three.test login you password c\n")
        let plain = try PackageIndex.separatingLogins(inPipSettings: "global.index-url='https://one.test/x@1'").netrc
        #expect(plain.isEmpty)
    }

    @Test(
        "a login that does not fit into that file is refused by the name of the setting",
        arguments: [
            ("https://me:sEcReT@[::1]:8443/simple", "the host is an IPv6 address"),
            ("https://sEcReT@one.test", "it has no password"), ("https://:sEcReT@one.test", "it has no user name"),
            ("https://me:sEcReT%20x@one.test", "it contains white space"),
            ("https://me:sEcReT#@one.test", "it contains white space"),
            ("https://me:sEcReT%22@one.test", "it contains white space"),
            ("https://me:sEcReT%5C@one.test", "it contains white space"),
            ("https://me:sEcReT%zz@one.test", "its encoding with % is not valid"),
            ("https://me:a@one.test https://me:sEcReT@one.test:8443", "one.test has another login, too"),
            ("http://me:sEcReT/1@one.test/x", "the URL is not valid"),
            ("ftp://me:sEcReT@one.test", "the URL is not valid"),
            ("https://me:sEcReT@/x", "the URL is not valid"),
        ])
    func misfits(value: String, reason: String) {
        for setting in ["index-url", "extra-index-url", "find-links"] {
            var failure: Failure?
            do { _ = try PackageIndex.separatingLogins(inPipSettings: "global.\(setting)='\(value)'") } catch {
                failure = error
            }
            #expect(failure?.code == .badData && failure?.message.contains("pip's setting \(setting) ") == true)
            #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
            #expect(failure?.description.contains("sEcReT") == false)
        }
    }

    @Test(
        "pip builds a distribution from an index with a password, which no process shows",
        .enabled(if: fileExists(PlaybookCheckTests.python), "make setup installs Python's packages into .venv"))
    func watched() async throws {
        try await withTemporaryDirectory { folder in
            let make = Command("python3", ["-c", Self.distributions], workingDirectory: folder)
            try await SystemCommandRunner().run(make)
            let runner = try await WatchedRunner("\(folder)/web")
            try writeAtomically(
                "[global]\nindex-url = \(runner.url("simple"))\nno-index = false\nfind-links =\n",
                to: "\(folder)/pip.conf")
            let wheels = try await PackageIndex.with(
                sources: "", architecture: .amd64, python: PlaybookCheckTests.python,
                runner: Configured(runner: runner, file: "\(folder)/pip.conf")
            ) { try await $0.wheels(of: ["built": "1.0"], fromSource: ["built"], pythonVersion: "3.11") }
            #expect(wheels?["built"]?.version == "1.0")
            #expect(runner.leaks == [])
        }
    }

    @Test("Git reads the tags of a repository with a password, which no process shows")
    func tags() async throws {
        try await withTemporaryDirectory { folder in
            let script = """
                git init --quiet work; cd work; git -c user.name=a -c user.email=b commit --quiet --allow-empty -m c
                git tag 9.0; git clone --quiet --bare . ../web/release.git; git -C ../web/release.git update-server-info
                """
            try await SystemCommandRunner().run(Command("sh", ["-e", "-c", script], workingDirectory: folder))
            let runner = try await WatchedRunner("\(folder)/web")
            let tags = try await PackageIndex.with(
                sources: "", architecture: .amd64, python: "python3",
                runner: Configured(runner: runner, file: "/dev/null")
            ) { try await $0.tags(of: runner.url("release.git")) }
            #expect(tags == ["9.0"] && runner.leaks == [])
        }
    }

    /// Writes an index with a source distribution, and the wheel that is needed to build it.
    private static let distributions = #"""
        import io, os, tarfile, zipfile

        for name in ["built", "needed"]:
            os.makedirs(f"web/simple/{name}")
        metadata = "Metadata-Version: 2.1\nName: {}\nVersion: 1.0\n"
        with zipfile.ZipFile("web/simple/needed/needed-1.0-py3-none-any.whl", "w") as wheel:
            info = "needed-1.0.dist-info"
            wheel.writestr("needed.py", "")
            wheel.writestr(f"{info}/METADATA", metadata.format("needed"))
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*wheel.namelist(), f"{info}/RECORD"]))
        files = {
            "PKG-INFO": metadata.format("built"),
            "pyproject.toml": '[build-system]\nrequires = ["needed"]\nbuild-backend = "own"\nbackend-path = ["."]\n',
            "own.py": f"""
        import needed, os
        def prepare_metadata_for_build_wheel(folder, settings=None):
            os.mkdir(folder + "/built-1.0.dist-info")
            with open(folder + "/built-1.0.dist-info/METADATA", "w") as file:
                file.write({metadata.format("built")!r})
            return "built-1.0.dist-info"
        """,
        }
        with tarfile.open("web/simple/built/built-1.0.tar.gz", "w:gz") as archive:
            for name, text in files.items():
                member = tarfile.TarInfo(f"built-1.0/{name}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        """#
}

/// Runs pip with a configuration file alone. There is nothing to ask apt.
private struct Configured: ExecutingRunner {
    let runner: WatchedRunner
    let file: String

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        guard command.executable != "apt-get" else { return CommandOutput() }
        var command = command
        let own: [String: String?] = [
            "PIP_CONFIG_FILE": file, "HOME": parentDirectory(file), "PIP_INDEX_URL": nil, "PIP_EXTRA_INDEX_URL": nil,
            "PIP_NO_INDEX": nil, "PIP_FIND_LINKS": nil, "http_proxy": nil, "HTTP_PROXY": nil, "NETRC": nil,
        ]
        command.environment.merge(own) { given, _ in given }
        return try await runner.execute(command, onLine: onLine)
    }
}
