import FoundationEssentials

/// Something that a build made, or left behind, and that stays until somebody removes it: on this machine or in an
/// account.
///
/// Small, because an account may have a hundred thousand of them. It carries what its kind needs, so that orphans,
/// costs and the order of removal are computed without another call to its provider.
package struct Asset: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        // On this machine.
        case image
        case manifest
        case machine
        case network
        case process
        case mount
        case buildDirectory = "build-directory"
        case partialExport = "partial-export"
        // On AWS.
        case stack
        /// A part of a stack, which is removed with it.
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

        /// The kind of asset that one of this kind is a part of.
        package var parent: Kind? {
            switch self {
            case .snapshot, .exportTask: .ami
            case .resource, .instance, .keyPair: .stack
            default: nil
            }
        }
    }

    package var kind: Kind
    /// Empty for an asset on this machine.
    package var region: String
    /// From the asset's tag, else from its name, in which dots, blanks and underscores may have become dashes.
    package var assetID: String
    /// What the provider identifies it by: a path, a process, an AWS id, a stack's name, an object's key.
    package var id: String
    /// What people call it: an AMI's name, a resource's type, the key of an upload.
    package var name: String?
    /// In the provider's words.
    package var state: String
    /// A build that is running now uses it.
    package var isInUse = false
    /// Whether anybody may use it.
    package var isPublic = false
    /// What it belonged to is gone: its build, stack or image, or the sender of an upload.
    package var isOrphan = false
    /// Only a record that AWS keeps for a while: nothing to remove, nothing to pay.
    package var isEnded = false
    /// Deployed once for all builds, and never removed as an asset.
    package var isPermanent = false
    /// A version of an object that another one has replaced, or the marker of a deleted object; it cannot be
    /// downloaded.
    package var isSuperseded = false
    /// Bytes in storage, if that means anything for its kind.
    package var bytes: Int64?
    /// Estimated, in US dollars.
    package var monthlyCost: Double?
    package var expires: Date?
    /// What it is a part of: a stack's name, an AMI's id.
    package var parent: String?
    package var bucket: AssetBucket?
    /// The version of an object, in a bucket that keeps old ones.
    package var version: String?
    /// The command that fetches a Docker image, if this is the record of one.
    package var pullLine: String?

    package init(
        _ kind: Kind, in region: String = "", assetID: String, id: String, name: String? = nil, state: String
    ) {
        self.kind = kind
        self.region = region
        self.assetID = assetID
        self.id = id
        self.name = name
        self.state = state
    }

    package func isExpired(at now: Date) -> Bool {
        expires.map { $0 <= now } ?? false
    }

    /// It cannot be removed, or would be missed, while what it belongs to exists.
    package var isPart: Bool { [.snapshot, .instance, .keyPair].contains(kind) && parent != nil && !isOrphan }
}

/// Assets on this machine.
extension Asset {
    package enum LocalState: String, Sendable {
        /// Finished and meant to stay.
        case ready
        /// Used by a running build.
        case inUse = "in use"
        /// Left by a build that was killed.
        case orphaned
    }

    package init(_ kind: Kind, assetID: String, id: String, bytes: Int64? = nil, state: LocalState) {
        self.init(kind, assetID: assetID, id: id, state: state.rawValue)
        self.bytes = bytes
        (isInUse, isOrphan) = (state == .inUse, state == .orphaned)
    }
}

/// Identity.
extension Asset {
    /// What distinguishes an asset from all others.
    package struct Place: Hashable, Sendable {
        package var kind: Kind
        package var region: String
        package var id: String
        package var version: String?
    }

    package var place: Place { Place(kind: kind, region: region, id: id, version: version) }

    /// The place of what it belongs to.
    package var parentPlace: Place? {
        guard let parent, let kind = kind.parent else { return nil }
        return Place(kind: kind, region: region, id: parent)
    }
}

/// Files in a bucket.
extension Asset {
    /// The address for downloading it.
    package var url: String? {
        kind == .s3Object && !isSuperseded ? bucket?.url(of: id) : nil
    }

    /// What distinguishes it from the others of its asset id: for an object or an upload, its name in the folder.
    package var shortID: String {
        guard let folder = bucket?.folder(of: assetID) else { return id }
        let key = kind == .upload ? name ?? id : id
        return key.hasPrefix(folder) ? String(key.dropFirst(folder.count)) : key
    }
}

/// A bucket of images and its public address; one value for all objects of a listing.
package final class AssetBucket: Sendable, Equatable {
    package let name: String
    /// Keys up to their first slash.
    package let prefix: String
    /// With `https://`, without a slash at the end.
    package let address: String

    package init(name: String, prefix: String, address: String) {
        self.name = name
        self.prefix = prefix
        self.address = address
    }

    package static func == (one: AssetBucket, other: AssetBucket) -> Bool {
        (one.name, one.prefix, one.address) == (other.name, other.prefix, other.address)
    }

    package func folder(of assetID: String) -> String { AssetID.folder(of: assetID, under: prefix) }

    package func url(of key: String) -> String { "\(address)/\(escaped(key))" }

    /// Escapes everything but slashes and the unreserved characters of RFC 3986, section 2.3.
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
