import FoundationEssentials
import Sandbox
import Workbench

/// The virtual machine described by an OVA.
package struct Appliance: Sendable, Equatable {
    /// Name shown in the hypervisor's list of machines.
    package var name: String
    package var version: String
    /// First steps for the user: login, port, password.
    package var annotation: String
    package var processors: Int
    package var memoryMiB: Int

    package init(
        name: String, version: String, annotation: String = "", processors: Int = 2, memoryMiB: Int = 4096
    ) {
        self.name = name
        self.version = version
        self.annotation = annotation
        self.processors = processors
        self.memoryMiB = memoryMiB
    }
}

extension Appliance {
    /// The virtual machine for the images of a build order.
    package init(_ order: BuildOrder) {
        let definition = order.definition
        self.init(
            name: order.imageStem, version: definition.version,
            annotation: "Log in as \(definition.user.name); JupyterLab listens on port \(definition.ports.jupyter).")
    }
}

/// The files of an OVA and the command that packs them.
struct ApplianceContents: Sendable, Equatable {
    var appliance: Appliance
    var stem: String
    var disk: ConvertedImage
    /// Virtual size of the disk.
    var capacity: Int64
    /// SHA-256 of the descriptor.
    var descriptorDigest: String

    var descriptorName: String { "\(stem).ovf" }
    var manifestName: String { "\(stem).mf" }
    /// The name that the VMDK has outside of the archive, too, because it contains its name.
    var diskName: String { ImageFormat.vmdk.fileName(stem) }

    var descriptor: String {
        OVFDescriptor(appliance: appliance, diskFile: diskName, diskBytes: disk.file.bytes, capacity: capacity).xml
    }

    /// The manifest: one line per file, in the format of `ovftool` and VirtualBox.
    var manifest: String {
        """
        SHA256(\(descriptorName))= \(descriptorDigest)
        SHA256(\(diskName))= \(disk.file.sha256 ?? "")

        """
    }

    /// Packs the descriptor, the manifest and the disk, in this order, which DSP0243 and streaming readers require.
    /// Owner and time are fixed, so that the archive reveals nothing about the builder.
    func pack(workspace: String, output: String) -> Command {
        Command(
            "tar",
            [
                "--create", "--format=ustar", "--owner=0", "--group=0", "--numeric-owner", "--mode=0644", "--mtime=@0",
                "--dereference", "--file", output, "--directory", workspace, "--", descriptorName, manifestName,
                diskName,
            ], environment: ["LC_ALL": "C"])
    }
}

/// The table of contents of an OVA: a tar archive in ustar format whose first member is the descriptor, as required by
/// the OVF specification (DSP0243 2.1.1, 5.3).
package struct ApplianceArchive: Sendable, Equatable {
    package struct Member: Sendable, Equatable {
        package var name: String
        /// Offset of the content in the archive.
        package var offset: Int64
        package var length: Int64
    }

    package var members: [Member]
    private let path: String

    /// - Throws: `Failure` with code `.badData` if the file is not an archive or is truncated.
    package init(path: String) throws {
        self.path = path
        members = []
        let end = try FileSize(of: path).length
        var position: Int64 = 0
        while position + 512 <= end {
            let header = try readBytes(path, at: position, count: 512)
            guard header.contains(where: { $0 != 0 }) else { break }
            guard let member = Self.member(header, at: position) else {
                throw Failure(.badData, "\(path) is damaged: no tar header at byte \(position)")
            }
            guard member.offset + member.length <= end else {
                throw Failure(
                    .badData,
                    "\(path) is truncated: '\(member.name)' should end at byte \(member.offset + member.length), "
                        + "but the file has \(end) bytes")
            }
            members.append(member)
            position = member.offset + (member.length + 511) / 512 * 512
        }
    }

    /// The only disk of the machine.
    package var disk: Member {
        get throws {
            guard let disk = members.first(where: { $0.name.lowercased().hasSuffix(".vmdk") }) else {
                throw Failure(
                    .badData, "\(path) contains no VMDK", details: members.map(\.name),
                    advice: "use an OVA file written by create-vm")
            }
            return disk
        }
    }

    /// Parses a POSIX.1-1988 `ustar` header: name at 0, size in octal at 124, magic at 257, prefix of the name at 345.
    static func member(_ header: [UInt8], at position: Int64) -> Member? {
        guard header.count == 512, Array(header[257..<262]) == Array("ustar".utf8) else { return nil }
        let stored = Int(text(header[148..<156]).filter(\.isNumber), radix: 8)
        let sum = header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
        guard stored == sum, let length = Int64(text(header[124..<136]).filter(\.isNumber), radix: 8) else {
            return nil
        }
        let prefix = text(header[345..<500])
        let name = text(header[0..<100])
        return Member(name: prefix.isEmpty ? name : "\(prefix)/\(name)", offset: position + 512, length: length)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// The OVF descriptor of a machine with one disk: DMTF DSP0243 1.1, which both VirtualBox and VMware import.
///
/// The disk is attached to AHCI and the network adapter is an E1000: both hypervisors emulate them, and every kernel
/// has the drivers. `ResourceType` numbers are defined by CIM's `ResourceAllocationSettingData` (DSP1041).
struct OVFDescriptor: Sendable, Equatable {
    var appliance: Appliance
    var diskFile: String
    /// Length of the VMDK.
    var diskBytes: Int64
    /// Virtual size.
    var capacity: Int64

    var xml: String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" \
        xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" \
        xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" \
        xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData" \
        xmlns:vmw="http://www.vmware.com/schema/ovf" \
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
          <References>
            <File ovf:id="file1" ovf:href="\(escaped(diskFile))" ovf:size="\(diskBytes)"/>
          </References>
          <DiskSection>
            <Info>The virtual disk</Info>
            <Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="\(capacity)" \
        ovf:capacityAllocationUnits="byte" \
        ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
          </DiskSection>
          <NetworkSection>
            <Info>The logical networks</Info>
            <Network ovf:name="NAT">
              <Description>A network with DHCP</Description>
            </Network>
          </NetworkSection>
          <VirtualSystem ovf:id="\(escaped(appliance.name))">
            <Info>A data-science sandbox</Info>
            <Name>\(escaped(appliance.name))</Name>
            <OperatingSystemSection ovf:id="96" vmw:osType="debian11_64Guest">
              <Info>The operating system</Info>
              <Description>Debian_64</Description>
            </OperatingSystemSection>
            <ProductSection>
              <Info>The installed product</Info>
              <Product>\(escaped(appliance.name))</Product>
              <Version>\(escaped(appliance.version))</Version>
            </ProductSection>
            <AnnotationSection>
              <Info>Getting started</Info>
              <Annotation>\(escaped(appliance.annotation))</Annotation>
            </AnnotationSection>
            <VirtualHardwareSection>
              <Info>The virtual hardware</Info>
              <System>
                <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
                <vssd:InstanceID>0</vssd:InstanceID>
                <vssd:VirtualSystemIdentifier>\(escaped(appliance.name))</vssd:VirtualSystemIdentifier>
                <vssd:VirtualSystemType>vmx-10 virtualbox-2.2</vssd:VirtualSystemType>
              </System>
        \(items.map(\.xml).joined(separator: "\n"))
            </VirtualHardwareSection>
          </VirtualSystem>
        </Envelope>

        """
    }

    private var items: [Item] {
        [
            Item([
                ("AllocationUnits", "hertz * 10^6"), ("Description", "Number of virtual CPUs"),
                ("ElementName", "\(appliance.processors) virtual CPUs"), ("InstanceID", "1"), ("ResourceType", "3"),
                ("VirtualQuantity", "\(appliance.processors)"),
            ]),
            Item([
                ("AllocationUnits", "byte * 2^20"), ("Description", "Memory size"),
                ("ElementName", "\(appliance.memoryMiB) MB of memory"), ("InstanceID", "2"), ("ResourceType", "4"),
                ("VirtualQuantity", "\(appliance.memoryMiB)"),
            ]),
            Item([
                ("Address", "0"), ("Description", "SATA controller"), ("ElementName", "sataController0"),
                ("InstanceID", "3"), ("ResourceSubType", "AHCI"), ("ResourceType", "20"),
            ]),
            Item([
                ("AddressOnParent", "0"), ("Description", "Disk image"), ("ElementName", "disk0"),
                ("HostResource", "ovf:/disk/vmdisk1"), ("InstanceID", "4"), ("Parent", "3"), ("ResourceType", "17"),
            ]),
            Item([
                ("AddressOnParent", "7"), ("AutomaticAllocation", "true"), ("Connection", "NAT"),
                ("Description", "E1000 ethernet adapter"), ("ElementName", "ethernet0"), ("InstanceID", "5"),
                ("ResourceSubType", "E1000"), ("ResourceType", "10"),
            ]),
        ]
    }

    /// A hardware item; CIM requires its properties in alphabetical order.
    private struct Item {
        var properties: [(name: String, value: String)]

        init(_ properties: [(String, String)]) {
            self.properties = properties.map { (name: $0.0, value: $0.1) }
        }

        var xml: String {
            let lines = properties.map { "        <rasd:\($0.name)>\(escaped($0.value))</rasd:\($0.name)>" }
            return (["      <Item>"] + lines + ["      </Item>"]).joined(separator: "\n")
        }
    }
}

/// Escapes text for XML content and attribute values; characters that XML 1.0 forbids are omitted.
private func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "\n": result += "&#10;"
        case "\u{0}"..."\u{1f}": break
        default: result.unicodeScalars.append(scalar)
        }
    }
}
