import Sandbox
import Testing
import Workbench

@testable import Verification

struct FactsTests {
    @Test func onlyLinesWithAKeyCount() throws {
        let facts = Facts("a=1\r\nnoise\n=x\nUPPER=1\na b=1\nlist=\nlist=x=y\nlist=z\nempty=\na=2\n")
        #expect(try facts.value("a") == "2")
        #expect(try facts.list("list") == ["x=y", "z"])
        #expect(try facts.list("empty") == [])
        #expect(throws: Facts.MissingFact(key: "UPPER")) { try facts.value("UPPER") }
        #expect(throws: Facts.MissingFact(key: "none")) { try facts.list("none") }
        #expect(throws: Facts.MissingFact(key: "empty")) { try facts.number("empty") }
    }

    @Test func theScriptsAreShellScriptsThatTellEveryFact() async throws {
        let scripts = [testExpectations.userScript, testExpectations.rootScript]
        for script in scripts { try await SystemCommandRunner().run(Command("sh", ["-n"], input: .text(script))) }
        let all = scripts.joined()
        for key in Set(goodFacts.map(\.0)) {
            #expect(all.contains("\(key)=") || all.contains("files \(key) ") || all.contains("older \(key) "), "\(key)")
        }
    }
}
