import Sandbox

/// How the disk of an AMI becomes files in the bucket.
package enum ExportMethod: String, Sendable, CaseIterable {
    /// What fits best; it is said which, and why.
    case auto
    /// AWS does it (ExportImage): no byte passes here, one format after the other, VHD, VMDK and RAW only.
    case vmExport = "vm-export"
    /// The snapshot is read here once by EBS direct, converted to all formats at once, and uploaded.
    case ebsDirect = "ebs-direct"

    /// What was decided, in a sentence for people.
    package struct Choice: Sendable, Equatable {
        /// Never `auto`.
        package var method: ExportMethod
        package var reason: String
    }

    /// - Throws: `Failure` where the wanted method cannot make a format.
    package static func choose(
        _ wanted: ExportMethod, formats: [ImageFormat], at place: ExportPlace
    ) throws -> Choice {
        let others = formats.filter { !VMExport.formats.contains($0) }.map(\.rawValue).joined(separator: ", ")
        switch wanted {
        case .ebsDirect: return Choice(method: .ebsDirect, reason: "exporting by ebs-direct, as was asked for")
        case .vmExport where others.isEmpty:
            return Choice(method: .vmExport, reason: "exporting by vm-export, as was asked for")
        case .vmExport:
            throw Failure(
                .usage, "the export of AWS cannot make \(others)",
                advice: "leave it out of the formats, or use --export-method ebs-direct")
        case .auto where !others.isEmpty:
            return Choice(
                method: .ebsDirect, reason: "exporting by ebs-direct, because the export of AWS cannot make \(others)")
        case .auto where place.isInsideAWS:
            return Choice(
                method: .ebsDirect,
                reason: "exporting by ebs-direct, because this runs on \(place.rawValue), near the snapshot: "
                    + "it is read once for all formats")
        case .auto:
            return Choice(
                method: .vmExport,
                reason: "exporting by vm-export, because this runs outside of AWS: no byte of the image comes here")
        }
    }
}

/// Where this program runs, as seen from the snapshot.
package enum ExportPlace: String, Sendable {
    case codeBuild = "CodeBuild"
    case ec2 = "EC2"
    case elsewhere

    package var isInsideAWS: Bool { self != .elsewhere }

    /// Whose board an instance of EC2 says that it has.
    package static let vendorFile = "/sys/class/dmi/id/board_vendor"

    /// - Parameter vendor: what `vendorFile` says.
    package init(environment: [String: String], vendor: String?) {
        if environment["CODEBUILD_BUILD_ID"] != nil {
            self = .codeBuild
        } else if vendor?.hasPrefix("Amazon EC2") == true {
            self = .ec2
        } else {
            self = .elsewhere
        }
    }
}
