import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Testing
import Workbench

@testable import Releasing

/// The real program against the emulator of AWS, the stand-in for GitHub, and a server of files.
@Suite("Commands of a release", .serialized)
struct CommandTests {
    // publish-index

    @Test("publish-index uploads page and document and invalidates CloudFront once")
    func publish() async throws {
        try await ReleasePublisher.with { releaser in
            let new = try await releaser.build("1.0.0")
            _ = try await releaser.build("0.9.0", version: "0.9.0", day: 3)
            let images = [try await releaser.image("1.0.0"), try await releaser.image("1.0.0", in: "us-east-1")]
            try await releaser.put("half/small.vmdk", "no manifest")
            try await releaser.put("odd/manifest.json", "{}")
            let words = ["publish-index", "--region", "eu-central-1,us-east-1", "--json"]
            let said = try await releaser.dss(words[0], words[1], words[2], words[3])
            #expect(said.status.isSuccess, "\(said.errors)")
            #expect(said.json["releases"] as? [String] == ["1.0.0", "0.9.0"])
            #expect(said.json["written"] as? [String] == ["releases.json", "index.html"])
            #expect(said.errors.contains("odd/manifest.json is not a manifest"))

            let stored = try await releaser.get("index.html")
            #expect(stored.contentType == "text/html; charset=utf-8")
            let page = try await ParsedPage.read(String(decoding: stored.body, as: UTF8.self))
            #expect(page.mistakes.isEmpty)
            #expect(page.links.filter(\.download).first?.href == "data_science_sandbox/1.0.0/small-1.0.0.vhd")
            #expect(page.tables[0].rows.dropFirst().map(\.[2]) == new.files.compactMap(\.sha256))
            #expect(
                Set(page.tables[1].rows.dropFirst().map { String($0[1].prefix(21)) })
                    == Set(images.map { String($0.prefix(21)) }))
            let document = try await releaser.get("releases.json")
            #expect(document.contentType == "application/json")
            #expect(
                String(decoding: document.body, as: UTF8.self).contains(
                    "https://\(releaser.domain)/data_science_sandbox/1.0.0/small-1.0.0.vmdk"))

            let again = try await releaser.dss(words[0], words[1], words[2], words[3])
            #expect(again.json["written"] as? [String] == [])
            #expect(try await releaser.count("CreateInvalidation") == 1)
            #expect(try await releaser.count("GetInvalidation") == 2)
        }
    }

    @Test("publish-index leaves out what is not in the bucket as its manifest says, and writes to a folder on request")
    func output() async throws {
        try await ReleasePublisher.with { releaser in
            let manifest = try await releaser.build("1.0.0")
            try await releaser.put("1.0.0/\(manifest.files[0].name)", "longer than it should be")
            let dry = try await releaser.dss("publish-index", "--dry-run")
            #expect(dry.output.contains("nothing (--dry-run)"), "\(dry.errors)")
            let said = try await releaser.dss("publish-index", "--output", "page", "--title", "A & B")
            #expect(said.status.isSuccess, "\(said.errors)")
            #expect(
                said.errors.contains("\(manifest.files[0].name) of 1.0.0 does not match its manifest"))
            let page = try await ParsedPage.read(try readText("\(releaser.folder)/page/index.html"))
            #expect(page.headings.first?.text == "A & B")
            #expect(page.links.filter(\.download).map(\.text) == [manifest.files[1].name])
            #expect(fileExists("\(releaser.folder)/page/releases.json"))
            #expect(try await releaser.count("PutObject") == 4, "nothing but the build itself was stored")
        }
    }

    @Test("publish-index without a bucket prints the command that creates it")
    func noBucket() async throws {
        try await ReleasePublisher.with { releaser in
            let said = try await releaser.dss("publish-index", "--region", "us-west-2")
            #expect(said.status == .exited(69))
            #expect(said.errors.contains("setup-vm-bucket"))
        }
    }

    // update-release

    @Test("update-release writes the notes once, with what AWS knows, and hides the token")
    func update() async throws {
        let hub = try await FakeGitHub()
        try await ReleasePublisher.with { releaser in
            let manifest = try await releaser.build("1.0.0")
            let image = try await releaser.image("1.0.0")
            func run(_ more: String...) async throws -> ProgramOutput { try await releaser.update(hub, more) }
            let dry = try await run("--dry-run")
            #expect(dry.output.contains("- All of it.") && dry.output.hasPrefix("Words."), "\(dry.errors)")
            let said = try await run("--json")
            #expect(said.json["changed"] as? Bool == true, "\(said.errors)")
            let body = try #require(try await hub.bodies()[0])
            for expected in [
                "Words.", "- All of it.", image, manifest.files[1].sha256!,
                "docker pull exasol/data-science-sandbox:1.0.0",
                "https://\(releaser.domain)/data_science_sandbox/1.0.0/small-1.0.0.vmdk",
                "https://\(releaser.domain)/data_science_sandbox/1.0.0/START.md",
            ] {
                #expect(body.contains(expected), "\(expected)")
            }
            let again = try await run("--json")
            #expect(again.json["changed"] as? Bool == false)
            #expect(try await hub.calls().filter { $0.hasPrefix("PATCH") }.count == 1)
            for said in [dry, said, again] { #expect(!(said.output + said.errors).contains("ghp_")) }
        }
    }

    @Test("update-release explains what is missing: the token, the build, the section")
    func lacks() async throws {
        let hub = try await FakeGitHub()
        try await ReleasePublisher.with { releaser in
            let words = [
                "update-release", "--release-id", "\(hub.ids[0])", "--asset-id", "1.0.0", "--repository",
                hub.repository.description, "--github-url", hub.url,
            ]
            let noToken = try await ReleasePublisher.dss(words, in: releaser.folder, releaser.account)
            #expect(noToken.status == .exited(77) && noToken.errors.contains("GH_TOKEN"))
            let account = releaser.account.merging(["GITHUB_TOKEN": FakeGitHub.reader]) { $1 }
            let noBuild = try await ReleasePublisher.dss(words, in: releaser.folder, account)
            #expect(noBuild.status == .exited(65) && noBuild.errors.contains("has no finished images"))
            _ = try await releaser.build("1.0.0", version: "3.0.0")
            let noSection = try await ReleasePublisher.dss(words, in: releaser.folder, account)
            #expect(noSection.status == .exited(65) && noSection.errors.contains("no section for 3.0.0"))
            try writeAtomically("## [3.0.0] - 2026-11-24\n- x\n", to: "\(releaser.folder)/CHANGELOG.md")
            let noRight = try await ReleasePublisher.dss(words, in: releaser.folder, account)
            #expect(noRight.status == .exited(77) && noRight.errors.contains("contents=write"), "\(noRight.errors)")
            #expect(!noRight.errors.contains("ghp_"))
        }
    }

    // download

    @Test("download fetches into a folder, reports its checks, and fetches nothing twice")
    func download() async throws {
        try await FakeDownloadSite.with { workspace in
            let bytes = try await workspace.publish(size: 200_000)
            func run(_ more: String...) async throws -> ProgramOutput {
                try await ReleasePublisher.dss(
                    ["download", "0.1.0", "--format", "vmdk"] + more, in: workspace.folder,
                    ["DSS_DOWNLOAD_URL": workspace.url])
            }
            let said = try await run("--json")
            #expect(said.status.isSuccess, "\(said.errors)")
            #expect(try workspace.bytes() == bytes)
            #expect(said.json["bytes"] as? Int == 200_000)
            #expect(said.json["checked"] as? String == "SHA-256 \(SHA256Checksum(of: bytes).hexadecimal)")
            #expect(workspace.names == ["sandbox-0.1.0.vmdk"])
            let again = try await run("--output", workspace.folder)
            #expect(again.output.contains("already downloaded"))
            #expect(try await workspace.requests().count { $0.method == "GET" } == 1)
        }
    }

    @Test("download explains a CAPTCHA and saves nothing of it")
    func captcha() async throws {
        try await FakeDownloadSite.with { workspace in
            _ = try await workspace.publish(size: 10)
            try await workspace.order(
                "status", "manifest", ["status": 405, "headers": ["x-amz-waf-action": "captcha"]])
            let said = try await ReleasePublisher.dss(
                ["download", "0.1.0", "--format", "vmdk", "--url", workspace.url], in: workspace.folder)
            #expect(said.status == .exited(77))
            #expect(said.errors.contains("captcha") && said.errors.contains("browser"))
            #expect(workspace.names.isEmpty)
        }
    }

    @Test("download without an account asks for an address")
    func noAddress() async throws {
        try await withTemporaryDirectory { folder in
            let said = try await ReleasePublisher.dss(
                ["download", "0.1.0", "--format", "vmdk"], in: folder, ["AWS_REGION": "eu-central-1"])
            #expect(said.status == .exited(64), "\(said.errors)")
            #expect(said.errors.contains("DSS_DOWNLOAD_URL"))
        }
    }

    @Test(
        "each command shows an example",
        arguments: [
            "publish-index", "update-release", "download", "release check", "start-release-build",
            "start-test-release-build", "setup-ci-codebuild", "setup-release-codebuild",
        ])
    func help(command: String) async throws {
        let words = command.split(separator: " ").map(String.init) + ["--help"]
        let said = try await ReleasePublisher.dss(words, in: "/tmp")
        #expect(said.output.contains("Example") && said.output.contains("dss \(command)"))
    }
}
