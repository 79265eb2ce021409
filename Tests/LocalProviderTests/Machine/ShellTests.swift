import FoundationEssentials
import Glibc
import Provisioning
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

@Suite("A shell in a copy of a finished machine")
struct ShellTests {
    private func images(_ fixture: Fixture, inputs: String?) throws -> Manifest {
        let files = [ImageFormat.qcow2, .ova].map {
            Manifest.File(name: "small-1.0.\($0.rawValue)", format: $0, bytes: 1, sha256: nil)
        }
        return Manifest(try fixture.order(), files: files, inputs: inputs, built: Date(timeIntervalSince1970: 0))
    }

    @Test("is refused with what is known of the reason, and with a command that keeps the formats")
    func reasons() async throws {
        try await CacheTests.withFactory { factory in
            try await Fixture.with { fixture in
                let plan = MachinePlan(try fixture.order(), try BuildInputs(fixture.order()))
                let advice = "build it again with: sudo dss create-vm --asset-id 1.0 --format qcow2 --format ova"
                let resumed = factory.notCached(plan, try images(fixture, inputs: nil))
                #expect(resumed.message == "the machine of '1.0' is not in the cache" && resumed.advice == advice)
                #expect(resumed.details.first?.contains("went on with a machine that was kept") == true)
                let pruned = factory.notCached(plan, try images(fixture, inputs: "digest"))
                #expect(pruned.details.first?.contains("the cache was pruned") == true && pruned.advice == advice)
            }
        }
    }

    @Test("names the changed files, and only the first of many")
    func changes() async throws {
        try await CacheTests.withFactory { factory in
            try await Fixture.with { fixture in
                let before = MachinePlan(try fixture.order(), try BuildInputs(fixture.order()))
                try makeDirectory(parentDirectory(factory.cache.manifest(.layers, "k")))
                try CacheEntryManifest(
                    key: "k", inputs: ["roles": "last"], fingerprint: "", bytes: 0, missing: [], parts: before.parts[1],
                    usedBy: ["1.0": 1]
                ).write(factory.cache.manifest(.layers, "k"))
                for number in 1...7 {
                    try writeAtomically("new", to: "\(fixture.folder)/roles/last/tasks/\(number).yml")
                }
                let plan = MachinePlan(try fixture.order(), try BuildInputs(fixture.order()))
                let failure = factory.notCached(plan, try images(fixture, inputs: "digest"))
                #expect(failure.message.hasPrefix("the inputs of '1.0' have changed since the build"))
                #expect(failure.details.count == 6 && failure.details.last == "2 more changes", "\(failure.details)")
                #expect(failure.details.first == "playbook/roles/last/tasks/1.yml is new")
            }
        }
    }

    @Test("leaves no lock file", .enabled(if: geteuid() == 0, "needs root"))
    func lockFile() async throws {
        try await CacheTests.withFactory { factory in
            try await Fixture.with { fixture in
                let plan = MachinePlan(try fixture.order(), try BuildInputs(fixture.order()))
                let finished = try images(fixture, inputs: nil)
                let failure = await #expect(throws: Failure.self) {
                    try await factory.shell([], inCopyOf: plan, of: finished, isTerminal: false) { _ in }
                }
                #expect(failure?.code == .badData, "\(String(describing: failure))")
                let left = try FileManager.default.contentsOfDirectory(atPath: factory.buildsDirectory)
                #expect(left == [])
            }
        }
    }
}
