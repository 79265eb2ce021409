import Sandbox

/// An AMI that machines are started from to see what it is.
package struct StartableImage: Sendable, Equatable {
    package var source: SourceImage
    /// What it says of itself; `nil` where this program has not made it.
    package var facts: ImageFacts?
    /// Its own, or its id where it has none.
    package var assetID: String

    /// Under which a copy goes: another than the image's, so that what removes the copy does not remove the image.
    package func assetID(ofCopy name: String) throws -> AssetID {
        let ending = "-verify-\(name)"
        if let id = try? AssetID(assetID + ending) { return id }
        return try AssetID(source.id + ending)
    }
}
