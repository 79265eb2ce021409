import FoundationEssentials

/// A resource that a build created or left behind, on this host or in an AWS account, and that stays until it is
/// removed.
///
/// Values are small because an account may have a hundred thousand assets. An asset carries all properties of its kind
/// that are needed to compute orphans, costs and the order of removal without another call to the provider.
package struct Asset: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        // On this host.
        case image
        case manifest
        case machine
        case network
        case process
        case mount
        case buildDirectory = "build-directory"
        case partialExport = "partial-export"
        /// What explains a failed build: the output of the failed task, the console and the journal of the machine.
        case failureLogs = "failure-logs"
        // On AWS.
        case stack
        /// A resource of a stack, which is removed with the stack.
        case resource
        case instance
        case ami
        case snapshot
        case exportTask = "export-task"
        case keyPair = "key-pair"
        case s3Object = "s3-object"
        /// A multipart upload that was neither completed nor aborted.
        case upload
        /// A CodeBuild run.
        case build

        package var plural: String {
            switch self {
            case .process: "processes"
            case .buildDirectory: "build-directories"
            case .failureLogs: rawValue
            default: "\(rawValue)s"
            }
        }

        /// The kind of the asset that an asset of this kind belongs to.
        package var parent: Kind? {
            switch self {
            case .snapshot, .exportTask: .ami
            case .resource, .instance, .keyPair: .stack
            default: nil
            }
        }
    }

    package var kind: Kind
    /// AWS region; empty for an asset on this host.
    package var region: String
    /// Asset id from the asset's tag, or else from its name. In a name, dashes may stand for dots, blanks and
    /// underscores.
    package var assetID: String
    /// The provider's identifier: a path, a process, an AWS id, the name of a stack or the key of an object.
    package var id: String
    /// A readable name: the name of an AMI, the type of a resource or the key of an upload.
    package var name: String?
    /// The state as reported by the provider.
    package var state: String
    /// Whether a running build uses the asset.
    package var isInUse = false
    /// Whether the asset is public.
    package var isPublic = false
    /// Whether the owner of the asset is gone: its build, stack or image, or the sender of an upload.
    package var isOrphan = false
    /// The state folder whose user keeps the asset, if it is not the one of this program, which then must not remove it.
    package var keeper: String?
    /// Whether the asset is only a record that AWS keeps for a while. It costs nothing and need not be removed.
    package var isEnded = false
    /// Whether the asset has only a name like ours and lacks our tag, so that it may belong to somebody else. Such an
    /// asset is removed only if that is asked for.
    package var isNameOnly = false
    /// Whether the asset is deployed once for all builds. Such an asset is never removed as an asset.
    package var isPermanent = false
    /// Whether this is an object version that another one has replaced, or a delete marker. It cannot be downloaded.
    package var isSuperseded = false
    /// Stored bytes; `nil` if a size is meaningless for the kind.
    package var bytes: Int64?
    /// Estimated cost in US dollars.
    package var monthlyCost: Double?
    package var expires: Date?
    /// The identifier of the asset that this one belongs to: the name of a stack or the id of an AMI.
    package var parent: String?
    package var bucket: AssetBucket?
    /// The version id of an object in a versioned bucket.
    package var version: String?
    /// The command that pulls the Docker image, if the asset is the record of one.
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

    /// Whether the asset is part of another asset that still exists. Until that asset is gone, the part cannot be
    /// removed or is still needed.
    package var isPart: Bool { [.snapshot, .instance, .keyPair].contains(kind) && parent != nil && !isOrphan }
}

/// Assets on this host.
extension Asset {
    package enum LocalState: String, Sendable {
        /// Finished and meant to be kept.
        case ready
        /// Used by a running build.
        case inUse = "in use"
        /// Left behind by a build that was killed.
        case orphaned
        /// Kept after a failed build for its user, who resumes it or removes it.
        case kept
    }

    package init(_ kind: Kind, assetID: String, id: String, bytes: Int64? = nil, state: LocalState) {
        self.init(kind, assetID: assetID, id: id, state: state.rawValue)
        self.bytes = bytes
        (isInUse, isOrphan) = (state == .inUse, state == .orphaned)
    }
}

/// Identity.
extension Asset {
    /// The properties that identify an asset uniquely.
    package struct Place: Hashable, Sendable {
        package var kind: Kind
        package var region: String
        package var id: String
        package var version: String?
    }

    package var place: Place { Place(kind: kind, region: region, id: id, version: version) }

    /// The place of the asset that this one belongs to.
    package var parentPlace: Place? {
        guard let parent, let kind = kind.parent else { return nil }
        return Place(kind: kind, region: region, id: parent)
    }
}

/// Files in a bucket.
extension Asset {
    /// The download URL of an object.
    package var url: String? {
        kind == .s3Object && !isSuperseded ? bucket?.url(of: id) : nil
    }

    /// An id that is unique among the assets of the same asset id. For an object or an upload, the path below the
    /// folder of the asset id.
    package var shortID: String {
        guard let folder = bucket?.folder(of: assetID) else { return id }
        let key = kind == .upload ? name ?? id : id
        return key.hasPrefix(folder) ? String(key.dropFirst(folder.count)) : key
    }
}

/// A bucket of images and its public address. All objects of a listing share one value.
package final class AssetBucket: Sendable, Equatable {
    package let name: String
    /// The part of the keys before the first slash.
    package let prefix: String
    /// The public address, with `https://` and without a trailing slash.
    package let address: String
    private let escaped: @Sendable (String) -> String

    /// - Parameter escaped: percent-encodes a key as the path of a URL.
    package init(name: String, prefix: String, address: String, escaped: @escaping @Sendable (String) -> String) {
        self.name = name
        self.prefix = prefix
        self.address = address
        self.escaped = escaped
    }

    package static func == (one: AssetBucket, other: AssetBucket) -> Bool {
        (one.name, one.prefix, one.address) == (other.name, other.prefix, other.address)
    }

    package func folder(of assetID: String) -> String { AssetID.folder(of: assetID, under: prefix) }

    package func url(of key: String) -> String { "\(address)/\(escaped(key))" }
}
