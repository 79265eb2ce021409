import Sandbox
import Workbench

/// One `qemu-img convert` from a raw disk.
package struct Conversion: Sendable, Equatable {
    package var format: ImageFormat
    package var source: String
    package var target: String

    package init(format: ImageFormat, source: String, target: String) {
        self.format = format
        self.source = source
        self.target = target
    }

    package var command: Command {
        Command(
            "qemu-img",
            ["convert", "-p"] + threads + ["-f", "raw", "-O", Self.driver(of: format)] + options
                + [source, target],
            environment: ["LC_ALL": "C"])
    }

    private var options: [String] {
        switch format {
        // force_size: the exact size instead of one rounded to cylinders, which is what Azure and Hyper-V read.
        case .vhd: ["-o", "subformat=dynamic,force_size=on"]
        // Compressed, and the only VMDK that OVF and AWS's import take.
        case .vmdk, .ova: ["-o", "subformat=streamOptimized"]
        // zlib, because the incompatible feature bit of zstd (QEMU 5.1) is refused by older QEMUs and by
        // OpenStack's and other readers of the format.
        case .qcow2: ["-c", "-o", "compression_type=zlib"]
        case .raw: []
        }
    }

    /// Out-of-order writes let qcow2 compress in several threads; VMDK's writer takes its grains in order only.
    private var threads: [String] {
        format == .qcow2 ? ["-m", "8", "-W"] : []
    }

    /// The name that QEMU has for a format.
    package static func driver(of format: ImageFormat) -> String {
        switch format {
        case .vhd: "vpc"
        case .vmdk, .ova: "vmdk"
        case .raw: "raw"
        case .qcow2: "qcow2"
        }
    }

    package static func subformat(of format: ImageFormat) -> String? {
        switch format {
        case .vhd: "dynamic"
        case .vmdk, .ova: "streamOptimized"
        case .raw: nil
        case .qcow2: "zlib"
        }
    }

    /// Reads `    (12.34/100%)`, which `qemu-img -p` ends with a carriage return.
    package static func fraction(in line: String) -> Double? {
        guard let open = line.firstIndex(of: "("), let slash = line[open...].firstIndex(of: "/"),
            let percent = Double(line[line.index(after: open)..<slash])
        else { return nil }
        return min(max(percent / 100, 0), 1)
    }
}
