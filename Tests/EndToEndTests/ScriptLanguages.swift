import Foundation
import Workbench

/// A repository with a submodule in the shape of script-languages-release, served by a real Git server on loopback.
enum ScriptLanguages {
    /// Host loopback as the build machine's user-mode network shows it.
    static let hostInMachine = "10.0.2.2"

    /// Always the same, like all that is served, so that the suites share the cached steps of a build that clones it.
    private static let port = 24187

    static func served(_ body: (String) async throws -> Void) async throws {
        let tag = try pinnedTag()
        try await withTemporaryDirectory(in: "/var/tmp") { folder in
            let url = "git://\(hostInMachine):\(port)"
            let runner = SystemCommandRunner()
            try await runner.run(Command("sh", ["-eu", "-c", script, "sh", folder, tag, url]))
            let server = try await runner.start(
                Command(
                    "git",
                    [
                        "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", "--port=\(port)",
                        "--base-path=\(folder)", folder,
                    ]),
                log: "\(folder)/daemon.log")
            try await finally {
                try await body("\(url)/script-languages-release")
            } cleanup: {
                await server.stop()
            }
        }
    }

    private static func pinnedTag() throws -> String {
        let pins = try readText(Workspace.repository + "pins.yaml")
        let match = pins.firstMatch(of: /script-languages-release:\s*"?([^"\s]+)/)
        return match.map { String($0.output.1) } ?? "1.0.0"
    }

    private static let script = #"""
        cd "$1"
        export GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
        git init -q -b main script-languages
        git init -q -b main script-languages-release
        identity="-c user.name=test -c user.email=test@example.org"
        cd script-languages
        echo flavors > README.md
        git add . && git $identity commit -q -m 'A flavor'
        cd ../script-languages-release
        echo release > README.md
        git $identity -c protocol.file.allow=always submodule add -q "$1/script-languages" script-languages
        mkdir -p flavors/test-flavor/flavor_base
        bucket='{{ bucketfs_name }}/{{ bucket_name }}/{{ path_in_bucket }}{{ release_name }}'
        echo "PYTHON3=localzmq+protobuf:///$bucket?lang=python#buckets/$bucket/exaudf/exaudfclient" \
            > flavors/test-flavor/flavor_base/language_definition
        git config -f .gitmodules submodule.script-languages.url "$3/script-languages"
        git add . && git $identity commit -q -m 'A release'
        git tag "$2"
        """#
}
