import AWSCore
import Sandbox

/// The bucket of VM images, as its stack tells it.
package struct ImageBucket: Sendable, Equatable {
    package var name: String
    /// The role with which AWS itself writes exports into it: its name.
    package var exportRole: String
    /// CloudFront's name for it, the only way in for the public.
    package var domain: String

    package init(name: String, exportRole: String, domain: String) {
        self.name = name
        self.exportRole = exportRole
        self.domain = domain
    }

    /// The bucket of the region of a build.
    /// - Throws: `Failure` where its stack is not there or not in order, with the command that mends it.
    package static func find(in site: BuildSite) async throws -> ImageBucket {
        typealias Output = PermanentStack.Output
        let outputs = try await Stacks(site.client, .silent).outputs(
            of: .vmBucket, [Output.bucket, Output.exportRole, Output.domainName],
            orElse: "there is no bucket for images")
        let role = outputs[Output.exportRole] ?? ""
        return ImageBucket(
            name: outputs[Output.bucket] ?? "",
            // Stacks of earlier days tell the role's ARN, ExportImage takes the name alone.
            exportRole: role.split(separator: "/").last.map(String.init) ?? role,
            domain: outputs[Output.domainName] ?? "")
    }

    /// Where the public downloads an object.
    package func url(of key: String) -> String {
        AssetBucket(name: name, prefix: "", region: "", domain: domain).url(of: key)
    }
}
