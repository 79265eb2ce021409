/// Where the files of an asset id lie in a bucket: all that stores, finds, downloads or removes them asks here.
extension AssetID {
    /// What the keys of its files begin with, and no others: `data_science_sandbox/0.1.0/`.
    /// - Parameter prefix: that of the definition's names, without slashes around it.
    package func folder(under prefix: String) -> String { Self.folder(of: rawValue, under: prefix) }

    /// The same of an id as a tag or a key tells it, which need not be one that this program would give.
    package static func folder(of id: String, under prefix: String) -> String { "\(prefix)/\(id)/" }

    /// The key of one file: `data_science_sandbox/0.1.0/manifest.json`.
    package func key(of file: String, under prefix: String) -> String { folder(under: prefix) + file }
}
