import FoundationEssentials
import Sandbox

/// Something on AWS that belongs to a build, or to none any more.
///
/// Small, because an account may have a hundred thousand of them; what it takes to tell kinds apart is in here, so that
/// what is made of it (orphans, costs, the order of removal) asks AWS nothing.
package struct AWSAsset: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case stack
        /// A part of a stack, which goes with it.
        case resource
        case instance
        case ami
        case snapshot
        case exportTask = "export-task"
        case keyPair = "key-pair"
        case s3Object = "s3-object"
        /// A multipart upload that was neither completed nor aborted.
        case upload
        /// A run of CodeBuild.
        case build
    }

    package var kind: Kind
    package var region: String
    /// As its tag says; else as its name does, where dots, blanks and underscores may have become dashes.
    package var assetID: String
    /// By which AWS knows it; a stack's name, an object's key.
    package var id: String
    /// What people call it: an AMI's name, a resource's type, the key of an upload.
    package var name: String?
    package var state: String
    /// Who may use it: everybody.
    package var isPublic = false
    /// The stack or image that it belonged to is gone; of an upload, whoever sent it.
    package var isOrphan = false
    /// Only a record that AWS keeps for a while: nothing to be removed, nothing to pay.
    package var isEnded = false
    /// Deployed once for all builds, and never removed here.
    package var isPermanent = false
    package var bytes: Int64?
    /// Estimated, in US dollars.
    package var monthlyCost: Double?
    package var expires: Date?
    /// What it is a part of: a stack's name, an image's id.
    package var parent: String?
    package var bucket: AssetBucket?
    /// Of an object in a bucket that keeps old versions.
    package var version: String?
    /// A version that another one has replaced, or the marker of a deleted object; nobody can download it.
    package var isSuperseded = false
    /// Of the record of a Docker image: the command that fetches the image.
    package var pullLine: String?

    package init(_ kind: Kind, in region: String, assetID: String, id: String, name: String? = nil, state: String) {
        self.kind = kind
        self.region = region
        self.assetID = assetID
        self.id = id
        self.name = name
        self.state = state
    }

    /// Where it can be downloaded.
    package var url: String? {
        kind == .s3Object && !isSuperseded ? bucket?.url(of: id) : nil
    }

    /// What tells it from the others of its asset id: of an object or an upload its name in the folder.
    package var shortID: String {
        guard let folder = bucket?.folder(of: assetID) else { return id }
        let key = kind == .upload ? name ?? id : id
        return key.hasPrefix(folder) ? String(key.dropFirst(folder.count)) : key
    }

    package func isExpired(at now: Date) -> Bool {
        expires.map { $0 <= now } ?? false
    }
}

/// The bucket of images and the way in; one for all objects of a listing.
package final class AssetBucket: Sendable, Equatable {
    package let name: String
    /// Up to the first slash of keys.
    package let prefix: String
    /// With `https://`, without a slash at the end.
    package let address: String

    package init(name: String, prefix: String, region: String, domain: String?) {
        self.name = name
        self.prefix = prefix
        address = domain.map { "https://\($0)" } ?? "https://\(name).s3.\(region).amazonaws.com"
    }

    package static func == (one: AssetBucket, other: AssetBucket) -> Bool {
        (one.name, one.prefix, one.address) == (other.name, other.prefix, other.address)
    }

    package func folder(of assetID: String) -> String { AssetID.folder(of: assetID, under: prefix) }

    package func url(of key: String) -> String { "\(address)/\(escaped(key))" }

    /// RFC 3986, 2.3, and slashes.
    private func escaped(_ key: String) -> String {
        guard key.utf8.contains(where: { !Self.isPlain($0) }) else { return key }
        return key.utf8.reduce(into: "") { text, byte in
            if Self.isPlain(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let code = String(byte, radix: 16, uppercase: true)
                text += "%" + (code.count < 2 ? "0" : "") + code
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~/".utf8.contains(byte)
        }
    }
}
