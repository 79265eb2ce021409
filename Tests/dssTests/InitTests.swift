import Foundation
import Testing
import Workbench

@testable import dss

@Suite("dss init")
struct InitTests {
    @Test("dss init creates a sandbox whose definition is sound, once")
    func initialize() async throws {
        try await withTemporaryDirectory { folder in
            let world = PretendWorld(directory: folder)
            let said = await world.dss("init", "lab")
            #expect(said.code == 0 && said.output.contains("next: cd lab && dss check"), "\(said)")
            let definition = await world.dss("definition", "--definition", "lab/sandbox.yaml")
            #expect(definition.code == 0 && definition.output.contains("name: lab"), "\(definition)")
            let again = await world.dss("init", "lab")
            #expect(again.code == 65 && again.errors.contains("\(folder)/lab/sandbox.yaml already exists"))
        }
    }

    @Test("a program finds the sandbox that it came with in its repository, and in the prefix where it was installed")
    func programFolder() async throws {
        try await withTemporaryDirectory { folder in
            for place in ["repository", "prefix/share/dss"] {
                try makeDirectory("\(folder)/\(place)/playbook/roles")
                for name in ["sandbox.yaml", "pins.yaml", "playbook/site.yml"] {
                    try writeAtomically("", to: "\(folder)/\(place)/\(name)")
                }
            }
            let found = { (program: String) in ProgramFolder.find(program: "\(folder)/\(program)") }
            #expect(found("repository/.build/debug/dss") == "\(folder)/repository")
            #expect(found("prefix/bin/dss") == "\(folder)/prefix/share/dss")
            #expect(found("elsewhere/dss") == nil)
        }
    }
}
