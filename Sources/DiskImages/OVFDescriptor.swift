/// The OVF descriptor of a machine with one disk: DMTF DSP0243 1.1, which both VirtualBox and VMware import.
///
/// The disk hangs on AHCI and the network card is an E1000: both are emulated by both, with drivers in every
/// kernel. `ResourceType` numbers are those of CIM's `ResourceAllocationSettingData` (DSP1041).
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
            <Info>The disk of the machine</Info>
            <Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="\(capacity)" \
        ovf:capacityAllocationUnits="byte" \
        ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
          </DiskSection>
          <NetworkSection>
            <Info>The networks of the machine</Info>
            <Network ovf:name="NAT">
              <Description>A network with an address by DHCP</Description>
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
              <Info>The product in the machine</Info>
              <Product>\(escaped(appliance.name))</Product>
              <Version>\(escaped(appliance.version))</Version>
            </ProductSection>
            <AnnotationSection>
              <Info>How to begin</Info>
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

    /// A piece of hardware; CIM wants its properties in alphabetical order.
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

/// Text between tags or in quotes; characters that XML 1.0 forbids are left out.
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
