import Sandbox
import Testing
import Workbench

@testable import dss

@Suite("Directories with characters that a tool cannot take")
struct FolderUseTests {
    private static let environment = ["HOME": "/root"]

    @Test(
        "are refused with the character and the tool",
        arguments: [
            (.state, "/x/c,d", "','", "Ansible"), (.state, "/x/c:d", "':'", "Ansible"),
            (.state, "/x/c ;d", "' ;'", "Ansible"), (.state, "/x/c\t;d", "' ;'", "Ansible"),
            (.state, "/x/\"d", "'\"'", "ssh"), (.state, "/x/$HOME@", "'$HOME'", "Ansible"),
            (.state, "/x/${NONE}", "'${'", "ssh"), (.cache, "/x/\"d", "'\"'", "mount"),
            (.definition, "/x/{{y}}/site.yml", "'{{'", "Ansible"), (.definition, "/{%y/p", "'{%'", "Ansible"),
            (.definition, "/{#y/p", "'{#'", "Ansible"), (.definition, "/x/$HOME/p", "'$HOME'", "Ansible"),
            (.definition, "/x/${HOME}y", "'${HOME}'", "Ansible"), (.state, "/a\nb", "a line break", "Ansible"),
            (.cache, "/a\nb", "a line break", "Ansible"), (.bucket, "/a\r\nb", "a line break", "Ansible"),
            (.work, "/a\rb", "a line break", "Ansible"), (.definition, "/a\nb", "a line break", "Ansible"),
        ] as [(FolderUse, String, String, String)])
    func refused(use: FolderUse, path: String, text: String, tool: String) throws {
        let failure = try #require(throws: Failure.self) {
            try use.require(path, from: "--x", inherited: Self.environment)
        }
        #expect(failure.code == .usage && failure.advice != nil)
        #expect(failure.message.hasPrefix("--x: ") && failure.message.hasSuffix("contains \(text)"))
        let lines = failure.message.split(whereSeparator: \.isNewline)
        #expect(lines.count == 1)
        #expect(failure.details.joined().contains(tool))
    }

    @Test(
        "all others are taken", arguments: [FolderUse.state, .cache, .bucket, .work, .definition],
        [
            "/feature%2Fx", "/a b", "/it's", "/b\\s", "/ü[b]~=@&()", "/c;d", "/$5", "/$NONE", "/$HOMEs", "/#x", "/{y}",
            "/-",
        ])
    func taken(use: FolderUse, path: String) throws {
        try use.require(path, from: "--x", inherited: Self.environment)
    }

    @Test(
        "only by the tools that they are for",
        arguments: [
            (.cache, "/a,b:c ;d"), (.bucket, "/a,b:c\"d"), (.work, "/$HOME,"), (.definition, "/a,b:c ;\"d"),
        ] as [(FolderUse, String)])
    func otherUse(use: FolderUse, path: String) throws {
        try use.require(path, from: "--x", inherited: Self.environment)
    }

    @Test(
        "by every command, which names the option or the variable",
        arguments: [
            (["--state", "c,d"], [:], "--state: "), (["--state=rel/../c:d"], [:], "--state: "),
            ([], ["DSS_STATE": "/x/c,d"], "DSS_STATE: /x/c,d cannot be used"),
            (["--cache", "a\"b"], [:], "--cache: "), (["--bucket", "a\nb"], [:], "--bucket: "),
        ] as [([String], [String: String], String)])
    func commands(options: [String], environment: [String: String], name: String) async {
        var world = PretendWorld()
        (world.environment, world.isRoot) = (environment, true)
        let said = await world.dss(["show-assets"] + options)
        #expect(said.code == 64 && said.errors.contains(name), "\(said.errors)")
    }
}
