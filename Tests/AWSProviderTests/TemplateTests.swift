import Foundation
import Testing

@testable import AWSProvider

@Suite("Templates of the permanent stacks")
struct TemplateTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/AWSProvider/Templates")

    @Test(
        "the program holds the files as they are",
        arguments: [(PermanentStack.vmBucket, "vm-bucket"), (.vmBucketWAF, "vm-bucket-waf")])
    func embedded(_ stack: PermanentStack, _ file: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: "\(file).yaml"), encoding: .utf8)
        #expect(stack.template == text)
        #expect(text.utf8.count <= 51_200, "AWS takes no larger template in a call")
    }
}
