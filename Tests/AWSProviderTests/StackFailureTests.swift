import Foundation
import Testing

@testable import AWSProvider
@testable import AWSServices

@Suite("Why a stack failed")
struct StackTroubleTests {
    static let stack = "arn:aws:cloudformation:eu-central-1:123456789012:stack/S/1"

    /// Events in the order in which they happened, given back as AWS lists them.
    static func events(_ lines: [(String, String, String?)]) -> [CloudFormation.StackEvent] {
        lines.enumerated().map { index, line in
            CloudFormation.StackEvent(
                stackId: stack, eventId: "\(index)", logicalResourceId: line.0,
                physicalResourceId: line.0 == "S" ? stack : "id-\(line.0)",
                resourceType: line.0 == "S" ? "AWS::CloudFormation::Stack" : "AWS::S3::Bucket",
                timestamp: Date(timeIntervalSince1970: Double(index)), resourceStatus: line.1,
                resourceStatusReason: line.2)
        }.reversed()
    }

    @Test("the first failure is reported, not its consequences")
    func first() throws {
        let trouble = try #require(
            StackFailure(
                Self.events([
                    ("S", "CREATE_IN_PROGRESS", "User Initiated"), ("Role", "CREATE_IN_PROGRESS", nil),
                    ("Role", "CREATE_FAILED", "not authorized"),
                    ("Bucket", "CREATE_FAILED", "Resource creation cancelled"),
                    ("S", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Role, Bucket]."),
                    ("S", "ROLLBACK_COMPLETE", nil),
                ])))
        #expect(trouble.lines == ["Role (AWS::S3::Bucket) CREATE_FAILED: not authorized"])
    }

    @Test("only the last change counts, including failed rollbacks")
    func lastChange() throws {
        let trouble = try #require(
            StackFailure(
                Self.events([
                    ("S", "CREATE_IN_PROGRESS", nil), ("Role", "CREATE_FAILED", "an old story"),
                    ("S", "CREATE_COMPLETE", nil), ("S", "UPDATE_IN_PROGRESS", nil),
                    ("Bucket", "UPDATE_FAILED", "name taken"), ("S", "UPDATE_ROLLBACK_IN_PROGRESS", nil),
                    ("Role", "UPDATE_FAILED", "gone"), ("S", "UPDATE_ROLLBACK_FAILED", "[Role]"),
                ])))
        #expect(trouble.resource == "Bucket")
        #expect(trouble.others == ["Role UPDATE_FAILED: gone"])
    }

    @Test("a successful change has no failures")
    func none() {
        #expect(StackFailure(Self.events([("S", "CREATE_IN_PROGRESS", nil), ("S", "CREATE_COMPLETE", nil)])) == nil)
        #expect(StackFailure([]) == nil)
    }

    @Test(
        "what can be done with a stack follows from its status",
        arguments: [
            (nil, StackState.absent), ("DELETE_COMPLETE", .absent), ("REVIEW_IN_PROGRESS", .draft),
            ("CREATE_COMPLETE", .steady), ("UPDATE_COMPLETE", .steady), ("UPDATE_ROLLBACK_COMPLETE", .steady),
            ("IMPORT_COMPLETE", .steady), ("CREATE_IN_PROGRESS", .busy), ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", .busy),
            ("ROLLBACK_IN_PROGRESS", .busy), ("DELETE_IN_PROGRESS", .busy), ("ROLLBACK_COMPLETE", .stillborn),
            ("ROLLBACK_FAILED", .stillborn), ("CREATE_FAILED", .stillborn), ("UPDATE_ROLLBACK_FAILED", .stuck),
            ("DELETE_FAILED", .stuck), ("UPDATE_FAILED", .stuck),
        ] as [(String?, StackState)])
    func state(_ status: String?, _ expected: StackState) {
        #expect(StackState(status: status) == expected)
    }
}
