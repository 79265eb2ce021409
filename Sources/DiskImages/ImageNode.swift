import Sandbox

/// A block device of QEMU in its own option language: driver, file, and the part of the file that counts.
///
/// The driver is always named, never guessed: a raw disk whose content looks like another format would be
/// opened as that.
package struct ImageNode: Sendable, Equatable {
    package struct Option: Sendable, Equatable {
        package var key: String
        package var value: String
    }

    package var list: [Option]

    package init(driver: String, path: String) {
        list = [
            Option(key: "driver", value: driver), Option(key: "file.driver", value: "file"),
            Option(key: "file.filename", value: path),
        ]
    }

    /// An image; the disk inside an OVA is opened where it stands in the archive, without unpacking it.
    package init(path: String, format: ImageFormat) throws {
        guard format == .ova else {
            self.init(driver: Conversion.driver(of: format), path: path)
            return
        }
        let disk = try ApplianceArchive(path: path).disk
        self.init(options: [
            Option(key: "driver", value: "vmdk"), Option(key: "file.driver", value: "raw"),
            Option(key: "file.offset", value: "\(disk.offset)"), Option(key: "file.size", value: "\(disk.length)"),
            Option(key: "file.file.driver", value: "file"), Option(key: "file.file.filename", value: path),
        ])
    }

    private init(options: [Option]) {
        list = options
    }

    /// As QEMU takes it, with commas in values doubled.
    package var options: String {
        list.map { "\($0.key)=\(Self.escaped($0.value))" }.joined(separator: ",")
    }

    /// Only a part of what the machine would see.
    package func window(offset: Int64, length: Int64) -> ImageNode {
        var node = self
        node.list =
            [
                Option(key: "driver", value: "raw"), Option(key: "offset", value: "\(offset)"),
                Option(key: "size", value: "\(length)"),
            ] + list.map { Option(key: "file.\($0.key)", value: $0.value) }
        return node
    }

    static func escaped(_ value: String) -> String {
        value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
    }
}
