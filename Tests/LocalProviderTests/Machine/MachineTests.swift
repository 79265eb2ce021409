import FoundationEssentials
import Glibc
import Testing
import Workbench

@testable import LocalProvider
@testable import Sandbox

extension RealMachines {
    @Test func aMachineBootsIsKeptAndStartsAgainFromItsLayer() async throws {
        let factory = await Lab.factory()
        let plan = try Lab.plan("life 1.0", steps: ["first", "second"])
        let events = Recorder()
        let stopwatch = Stopwatch(ContinuousClock())

        try await withUndo { undo in
            var machine = try await factory.start(plan, in: Scope(undo, events: events.sink))
            print("started after \(stopwatch.seconds)")
            #expect(machine.stepsDone == 0)
            #expect(try await Lab.run("id -un; cat /proc/1/comm; hostname", on: machine) == "root\nsystemd\nsandbox")
            #expect(try await Lab.run("ip -4 -o addr show tap0 | grep -c 10.0.2.100", on: machine) == "1")
            _ = try await Lab.run(
                "echo one >/etc/one; rm /etc/hosts; rm -r /usr/share/zoneinfo 2>/dev/null || :", on: machine)
            print("used after \(stopwatch.seconds)")
            machine = try await factory.keep(
                machine, InstalledStep(missing: [.init(component: "clone", reason: "offline")]), events: events.sink)
            print("kept after \(stopwatch.seconds)")
            #expect(machine.stepsDone == 1)
            #expect(try await Lab.run("cat /etc/one; test -e /etc/hosts || echo gone", on: machine) == "one\ngone")
            _ = try await Lab.run("echo sealed >/etc/seal", on: machine)
            let root = try await factory.halt(machine, events: events.sink)
            print("halted after \(stopwatch.seconds)")
            #expect(try readText("\(root)/etc/one") == "one\n")
            #expect(try readText("\(root)/etc/seal") == "sealed\n")
            #expect(!fileExists("\(root)/etc/hosts"))
            #expect(try readText("\(root)/etc/resolv.conf").isEmpty)
            #expect(!fileExists("\(root)/run/dss") && !fileExists("\(root)/run/systemd/system"))
            let assets = try await factory.leftovers().filter { $0.assetID == "life 1.0" }
            #expect(assets.allSatisfy { $0.isInUse })
            #expect(Set(assets.map(\.kind)) == [.process, .network, .mount, .buildDirectory])
        }
        print("undone after \(stopwatch.seconds)")
        #expect(try await factory.leftovers().filter { $0.assetID == "life 1.0" } == [])

        // The changes of the seal stage are not in the layer.
        try await withUndo { undo in
            let machine = try await factory.start(plan, in: Scope(undo, events: events.sink))
            print("started again after \(stopwatch.seconds)")
            #expect(machine.stepsDone == 1)
            #expect(machine.missing == [.init(component: "clone", reason: "offline")])
            #expect(try await Lab.run("cat /etc/one; test -e /etc/seal || echo none", on: machine) == "one\nnone")
        }
        #expect(events.warnings == [])
    }

    @Test func aptInTheMachineUsesTheSourcesOfTheBuildAndTheImageHasPublicOnes() async throws {
        let factory = await Lab.factory()
        let plan = try Lab.plan("packages")
        try await Lab.warmUp()
        try await withUndo { undo in
            let machine = try await factory.start(plan, in: Scope(undo))
            // The lists of the base system are still there, and apt finds them under the sources of the build.
            let used = try await Lab.run(
                """
                export APT_CONFIG=/run/dss/apt.conf
                apt-get indextargets --format '$(SOURCESENTRY)' 'Identifier: Packages' | sed 's/:.*//' | sort -u
                echo 'deb http://m.test/own stable main' >/etc/apt/sources.list.d/own.list
                apt-get update --print-uris | grep -o 'm.test/own' | sort -u
                """, on: machine)
            #expect(used == "/run/dss/apt/build.list\nm.test/own")
            let root = try await factory.halt(machine, events: { _ in })
            let sources = PackageSources(plan.base, host: factory.host.aptSources)
            #expect(try readText("\(root)/etc/apt/sources.list") == sources.imageList)
            let added = try FileManager.default.contentsOfDirectory(atPath: "\(root)/etc/apt/sources.list.d")
            #expect(added == ["own.list"])
        }
    }

    @Test func aKeptMachineIsLookedIntoAndResumedAndNothingOfItIsCached() async throws {
        let factory = await Lab.factory()
        let plan = try Lab.plan("kept", steps: ["kept"])
        try await Lab.warmUp()
        await #expect(throws: LeftBehind.self) {
            try await Scope.run(keepsOnFailure: true) { scope in
                let machine = try await factory.start(plan, in: scope)
                await scope.undo.replaceHints(factory.hints(machine))
                _ = try await Lab.run("echo one >/etc/one", on: machine)
                throw Failure(.failed, "a task failed")
            }
        }
        #expect(fileExists("\(factory.failureLogs(of: plan.assetID))/journal.log"))
        let states = Set(try await factory.leftovers().filter { $0.assetID == "kept" }.map(\.state))
        #expect(states == ["kept"])
        let script = "grep -q one /etc/one && echo two >/etc/two; exit 3"
        let status = try await factory.shell(["sh", "-c", script], inKept: plan.assetID, isTerminal: false)
        #expect(status == .exited(3))
        let entries = Set(factory.cache.entries.map(\.key))
        try await Scope.run { scope in
            let machine = try await factory.resume(plan, in: scope)
            #expect(try await Lab.run("cat /etc/one /etc/two", on: machine) == "one\ntwo")
            let same = try await factory.keep(machine, InstalledStep(), events: { _ in })
            let root = try await factory.halt(same, events: { _ in })
            #expect(try readText("\(root)/etc/two") == "two\n")
        }
        #expect(Set(factory.cache.entries.map(\.key)) == entries)
        #expect(try await factory.leftovers().filter { $0.assetID == "kept" } == [])
        try await factory.removeLogs(of: plan.assetID)
    }
}

/// Tests with real machines. They run serially, because each starts and ends processes.
@Suite(.serialized, .enabled(if: Lab.isReady, Lab.reason))
struct RealMachines {}
