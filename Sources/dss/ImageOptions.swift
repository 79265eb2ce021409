import AWSProvider
import ArgumentParser
import Sandbox

/// Which AMI is meant.
struct ImageOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("An AMI.", valueName: "ami-id"))
    var image: String?

    @Option(
        name: .customLong("asset-id"), help: ArgumentHelp("The asset id of the AMI, instead of it.", valueName: "id"))
    var assetID: String?

    func validate() throws {
        guard (image == nil) != (assetID == nil) else {
            throw ValidationError("Say which AMI is meant: its id, or --asset-id.")
        }
        if let image, image.wholeMatch(of: /ami-[0-9a-f]+/) == nil {
            throw ValidationError("'\(image)' is not the id of an AMI, such as ami-0123456789abcdef0.")
        }
    }

    var search: ImageSearch {
        get throws { try image.map { .id($0) } ?? .asset(AssetID(assetID ?? "")) }
    }
}
