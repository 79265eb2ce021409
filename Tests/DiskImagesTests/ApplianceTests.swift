import Foundation
import FoundationXML
import Sandbox
import Testing
import Workbench

@testable import DiskImages

struct ApplianceTests {
    let appliance = Appliance(
        name: "Sandbox <6> & \"co\"", version: "6.1.0", annotation: "User ubuntu,\nport 49494\u{7}")

    private func elements(_ xml: String) -> XMLElements {
        let elements = XMLElements()
        let parser = XMLParser(data: Data(xml.utf8))
        parser.delegate = elements
        #expect(parser.parse(), "not well-formed: \(parser.parserError.map { "\($0)" } ?? "")")
        return elements
    }

    @Test func descriptorSaysWhatHypervisorsRead() {
        let xml = OVFDescriptor(appliance: appliance, diskFile: "a&b-disk1.vmdk", diskBytes: 443, capacity: 8 << 30).xml
        let found = elements(xml)
        #expect(found.attributes["File"]?["ovf:href"] == "a&b-disk1.vmdk")
        #expect(found.attributes["File"]?["ovf:size"] == "443")
        #expect(found.attributes["Disk"]?["ovf:capacity"] == "8589934592")
        #expect(found.attributes["Disk"]?["ovf:fileRef"] == found.attributes["File"]?["ovf:id"])
        #expect(found.attributes["Disk"]?["ovf:format"]?.hasSuffix("#streamOptimized") == true)
        #expect(found.texts["Name"] == [appliance.name])
        #expect(found.texts["Annotation"] == ["User ubuntu,\nport 49494"])
        #expect(found.texts["rasd:ResourceType"] == ["3", "4", "20", "17", "10"])
        #expect(found.texts["rasd:VirtualQuantity"] == ["2", "4096"])
        #expect(found.texts["rasd:ResourceSubType"] == ["AHCI", "E1000"])
        #expect(found.texts["rasd:HostResource"] == ["ovf:/disk/vmdisk1"])
        #expect(found.texts["rasd:Parent"] == ["3"])
        #expect(found.texts["rasd:InstanceID"] == ["1", "2", "3", "4", "5"])
    }

    @Test func manifestAndOrderInTheArchive() {
        let disk = ConvertedImage(
            file: Manifest.File(name: "x.vmdk", format: .vmdk, bytes: 5, sha256: "d15c"),
            temporaryPath: "/t/.x.vmdk.partial")
        let contents = ApplianceContents(
            appliance: appliance, stem: "x", disk: disk, capacity: 512, descriptorDigest: "0f0f")
        #expect(contents.manifest == "SHA256(x.ovf)= 0f0f\nSHA256(x.vmdk)= d15c\n")
        #expect(
            contents.pack(workspace: "/w", output: "/o/x.ova").shellLine
                == "LC_ALL=C tar --create --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644 --mtime=@0 "
                + "--dereference --file /o/x.ova --directory /w -- x.ovf x.mf x.vmdk")
    }
}

/// The attributes of the last element of each name, and all texts.
private final class XMLElements: NSObject, XMLParserDelegate {
    var attributes: [String: [String: String]] = [:]
    var texts: [String: [String]] = [:]
    private var text = ""

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes found: [String: String]
    ) {
        attributes[name] = found
        text = ""
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
        texts[name, default: []].append(text)
        text = ""
    }
}
