import Sandbox

/// How people start a release, place by place, with the names of its own files: for notes and page.
struct StartGuide {
    enum Step: Equatable {
        case text(String)
        /// To be copied into a shell.
        case command(String)
    }

    struct Place: Equatable {
        var title: String
        var steps: [Step]
    }

    var places: [Place] = []

    init(_ release: PublishedRelease) {
        let ports = "ports 22 and \(release.jupyterPort)"
        if let file = release.file(.ova) {
            let text = "File → Import Appliance, choose \(file.name), and start it."
            add("VirtualBox", .text(text), .text(Self.forwarding(release)))
            add("VMware", .text("File → Open, choose \(file.name), and start it."))
        } else if let file = release.file(.vmdk, .vhd) {
            let text = "Make a machine of type \(release.system) (64-bit) with 4096 MB of memory and \(file.name) as "
            add("VirtualBox", .text(text + "its SATA disk, and start it."), .text(Self.forwarding(release)))
        }
        if let file = release.file(.vmdk), release.file(.ova) == nil {
            let text = "Make a machine with 4096 MB of memory and \(file.name) as its existing SATA disk, and start it."
            add("VMware", .text(text))
        }
        if let file = release.file(.vhd) {
            let new = "New-VM -Name sandbox -Generation 1 -MemoryStartupBytes 4GB -VHDPath \(Self.quoted(file.name))"
            add("Hyper-V", .text("In PowerShell as administrator:"), .command("\(new); Start-VM sandbox"))
        }
        if let file = release.file(.qcow2, .raw, .vmdk, .vhd) {
            let port = release.jupyterPort
            let format = file.format == .vhd ? "vpc" : file.format.rawValue
            let program = release.architecture == .arm64 ? "qemu-system-aarch64 -M virt" : "qemu-system-x86_64"
            add(
                "QEMU",
                .command(
                    "\(program) -m 4096 -nic user,hostfwd=tcp::\(port)-:\(port),hostfwd=tcp::2222-:22 "
                        + "-drive file=\(Self.quoted(file.name)),format=\(format)"),
                .command("ssh -p 2222 \(release.user)@localhost"))
        }
        if let image = release.images.first {
            let type = release.architecture == .arm64 ? "t4g.medium" : "t3.medium"
            add(
                "AWS",
                .text("With a key pair and a security group of yours that lets \(ports) in, in the region of the AMI:"),
                .command(
                    "aws ec2 run-instances --region \(image.region) --image-id \(image.id) --instance-type \(type) "
                        + "--key-name KEY --security-group-ids GROUP"))
        }
    }

    /// What is the same wherever it runs.
    static func first(_ release: PublishedRelease) -> String {
        "Log in as \(release.user) with the default password; the first login asks for a new one. JupyterLab listens on "
            + "port \(release.jupyterPort), and the message of the day names its URL."
    }

    private mutating func add(_ title: String, _ steps: Step...) {
        places.append(Place(title: title, steps: steps))
    }

    private static func forwarding(_ release: PublishedRelease) -> String {
        "With a network of type NAT, forward port \(release.jupyterPort) under Settings → Network → Port Forwarding."
    }

    /// For PowerShell and POSIX shells alike; names of files of ours have no quotes in them.
    private static func quoted(_ name: String) -> String {
        name.allSatisfy { $0.isLetter || $0.isNumber || "._-".contains($0) } ? name : "'\(name.filter { $0 != "'" })'"
    }
}
