import FoundationEssentials
import Testing

@testable import Sandbox

@Suite("START.md")
struct StartInstructionsTests {
    /// Every format that a build can have, every pair, and all.
    static let formats: [[ImageFormat]] =
        ImageFormat.allCases.flatMap { first in
            ImageFormat.allCases.drop { $0 != first }.map { $0 == first ? [first] : [first, $0] }
        } + [ImageFormat.allCases]

    private func markdown(
        _ formats: [ImageFormat], name: String = "data-science-sandbox", user: String = "ubuntu", port: Int = 49494,
        architecture: Architecture = .amd64
    ) throws -> String {
        let definition = SandboxDefinition(
            name: name, version: "0.1.0", base: .init(architecture: architecture), user: .init(name: user),
            playbook: .init(file: "/p", pins: "/q", roles: []), ports: .init(jupyter: port), formats: formats)
        let order = BuildOrder(assetID: try AssetID("0.1.0"), definition: definition, password: nil)
        let files = formats.map { Manifest.File(name: order.imageName($0), format: $0, bytes: 1, sha256: nil) }
        return StartInstructions(Manifest(order, files: files, built: Date(timeIntervalSince1970: 0))).markdown
    }

    @Test("docs/start.md is the text for a build with all formats")
    func documentation() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "docs/start.md")
        let text = try markdown(ImageFormat.allCases)
        if ProcessInfo.processInfo.environment["DSS_RECORD"] == "1" { try Data(text.utf8).write(to: file) }
        let recorded = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        #expect(text == recorded, "record it with DSS_RECORD=1 if it is meant")
    }

    @Test("no part of the template is left over, whatever the formats", arguments: formats)
    func complete(formats: [ImageFormat]) throws {
        let text = try markdown(formats)
        #expect(!text.contains("{{") && !text.contains("}}") && !text.contains("\n\n\n"), "\(text)")
        #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
        let headings = text.matches(of: /(?m)^#+ (.+)$/).map {
            String($0.output.1).lowercased().replacing(" ", with: "-")
        }
        let targets = text.matches(of: /\]\(#([a-z\-]+)\)/).map { String($0.output.1) }
        #expect(Set(targets).isSubset(of: headings), "\(targets)")
    }

    @Test("only files of the build are named, and what the reader makes of them", arguments: formats)
    func files(formats: [ImageFormat]) throws {
        let names = try markdown(formats).matches(of: /data-science-sandbox-0\.1\.0([.\-][\w.\-]*\w)/).map {
            String($0.output.1)
        }
        let own = Set(formats.map { $0.fileName("") })
        let isConverted = !Set(formats).isDisjoint(with: [.raw, .vhd, .vmdk, .vhdx, .vmdkSparse])
        let converted = Set([".vdi", "-disk.vmdk"] + (isConverted ? [".qcow2"] : []))
        #expect(own.isSubset(of: names))
        #expect(Set(names).isSubset(of: own.union(converted)))
    }

    @Test(
        "a hypervisor has a section if it can use one of the formats",
        arguments: [
            ([.vhd, .vmdk], ["VirtualBox", "VMware", "Hyper-V", "QEMU", "libvirt"]),
            ([.vhd], ["VirtualBox", "Hyper-V", "QEMU", "libvirt"]), ([.ova], ["VirtualBox", "VMware"]),
            ([.raw], ["QEMU", "libvirt"]), ([.vhdx], ["Hyper-V", "QEMU", "libvirt"]), ([.vhdFixed], ["Azure"]),
            ([.gcp], ["Google Cloud"]), ([.vmdkSparse], ["VirtualBox", "VMware", "QEMU", "libvirt"]),
        ] as [([ImageFormat], [String])])
    func sections(formats: [ImageFormat], hypervisors: [String]) throws {
        let titles = try markdown(formats).matches(of: /(?m)^## (.+)$/).map { String($0.output.1) }
        #expect(
            titles == ["Check the file"] + hypervisors + ["First login", "Open JupyterLab", "Enlarge the disk"])
    }

    @Test("user, port and names are those of the build; names with spaces are quoted")
    func values() throws {
        let text = try markdown([.ova, .qcow2], name: "My lab", user: "me", port: 8888)
        for expected in [
            "# Start My lab 0.1.0\n", "VBoxManage import \"My lab-0.1.0.ova\" ", "jupyter,tcp,127.0.0.1,8888,,8888",
            "| jupyter | TCP | 127.0.0.1 | 8888 | | 8888 |", "-drive file=\"My lab-0.1.0.qcow2\",format=qcow2",
            "ssh -p 2222 me@localhost", "http://localhost:8888/lab", "at least 8 GiB of disk space",
        ] {
            #expect(text.contains(expected), "\(expected)")
        }
        #expect(!text.contains("ubuntu") && !text.contains("49494"))
    }

    @Test("the formats of a build have different names, from which the stem follows")
    func names() {
        let names = ImageFormat.allCases.map { $0.fileName("lab-1") }
        #expect(names.suffix(4) == ["lab-1-fixed.vhd", "lab-1.vhdx", "lab-1.tar.gz", "lab-1-sparse.vmdk"])
        #expect(Set(names).count == names.count)
        #expect(zip(ImageFormat.allCases, names).allSatisfy { $0.stem(of: $1) == "lab-1" })
        #expect(ImageFormat.vhdFixed.stem(of: "lab-1.vhd") == nil)
    }

    @Test("the architecture is said")
    func architecture() throws {
        #expect(try markdown([.qcow2]).contains("The image is for amd64"))
        let text = try markdown([.qcow2], architecture: .arm64)
        #expect(text.contains("The image is for arm64") && !text.contains("The image is for amd64"))
    }
}
