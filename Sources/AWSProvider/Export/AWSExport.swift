import AWSCore
import DiskImages
import Sandbox
import Workbench

/// Makes of an AMI the image files that an order wants, in the bucket, with manifest and checksums beside them.
package struct AWSExport: Sendable {
    let workspace: AWSWorkspace
    let bucket: ImageBucket
    let place: ExportPlace
    /// Where EBS direct keeps its files meanwhile.
    let workDirectory: String
    let runner: any CommandRunner
    let plan: RenamePlan

    package init(
        _ workspace: AWSWorkspace, _ bucket: ImageBucket, place: ExportPlace, workDirectory: String,
        runner: any CommandRunner, plan: RenamePlan = RenamePlan()
    ) {
        self.workspace = workspace
        self.bucket = bucket
        self.place = place
        self.workDirectory = workDirectory
        self.runner = runner
        self.plan = plan
    }

    /// The artifacts of an earlier build that are what an order would give.
    package func finished(_ order: BuildOrder, inputs: String) async throws -> FinishedBuild? {
        try await ImagePublication(workspace, bucket).finished(order, inputs: inputs)
    }

    package func hasReport() async throws -> Bool { try await ImagePublication(workspace, bucket).hasReport() }

    /// Formats that an earlier run has made of the same AMI are not made again.
    /// - Parameters:
    ///   - missing: what the sandbox lacks, for the manifest.
    ///   - inputs: the hash of all that went into it but the password.
    /// - Throws: `Failure`, `AWSError`. The AMI stays and what was exported of it too, and it is said that they do.
    package func export(
        _ image: CapturedImage, method: ExportMethod, missing: [MissingComponent], inputs: String,
        in build: BuildContext
    ) async throws -> [Artifact] {
        let order = build.order
        let publication = ImagePublication(workspace, bucket)
        do {
            return try await bucket.orGone(workspace) {
                var files = try await filesThere(order, image)
                let there = Set(files.map(\.format))
                let formats = order.definition.formats.filter { !there.contains($0) }
                try await publication.withdraw(for: order, of: image, making: formats)
                if !formats.isEmpty {
                    files += try await make(formats, of: image, method, build)
                }
                try await ExportTasks(workspace: workspace, bucket: bucket, image: image).sweep()
                return try await publication.publish(files, of: order, image, missing: missing, inputs: inputs)
            }
        } catch {
            build.scope.notice(
                "AMI \(image.id) stays, and so do the formats that are ready; "
                    + "run the same command again to go on from there")
            throw error
        }
    }

    private func filesThere(_ order: BuildOrder, _ image: CapturedImage) async throws -> [Manifest.File] {
        var files: [Manifest.File] = []
        for format in order.definition.formats {
            let name = order.imageName(format)
            guard let object = try await bucket.head(workspace.keyPrefix + name, workspace.client) else { continue }
            if let file = ExportedObject.file(object, named: name, format, of: image) { files.append(file) }
        }
        return files
    }

    private func make(
        _ formats: [ImageFormat], of image: CapturedImage, _ method: ExportMethod, _ build: BuildContext
    ) async throws -> [Manifest.File] {
        let choice = try ExportMethod.choose(method, formats: formats, at: place)
        build.scope.notice(choice.reason)
        let artifacts =
            switch choice.method {
            case .ebsDirect:
                try await EBSDirectExport(workspace, to: bucket, workDirectory: workDirectory, runner: runner).run(
                    image, formats: formats, in: build)
            case .auto, .vmExport:
                try await VMExport(workspace, bucket, plan: plan).run(image, formats: formats, in: build)
            }
        return artifacts.map {
            Manifest.File(
                name: build.order.imageName($0.format), format: $0.format, bytes: $0.bytes, sha256: $0.sha256,
                crc64: $0.crc64)
        }
    }
}

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
