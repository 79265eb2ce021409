import Reporting
import Testing

@testable import AWSProvider
@testable import AWSServices
@testable import dss

@Suite("What a change set would do")
struct StackPlanTests {
    static func change(
        _ action: String, _ replacement: String? = nil, names: [String?] = [], scope: [String] = []
    ) -> CloudFormation.Change {
        CloudFormation.Change(
            type: "Resource",
            resourceChange: CloudFormation.ResourceChange(
                action: action, logicalResourceId: "VMBucket", physicalResourceId: "b-1",
                resourceType: "AWS::S3::Bucket", replacement: replacement, scope: scope,
                details: names.map { .init(target: .init(attribute: "Properties", name: $0)) })
        )
    }

    @Test(
        "states of AWS are mapped",
        arguments: [
            ("Add", nil, .add), ("Remove", nil, .remove), ("Modify", "False", .change), ("Modify", nil, .change),
            ("Modify", "True", .replace), ("Modify", "Conditional", .mayReplace), ("Import", nil, .other),
            ("Dynamic", nil, .other),
        ] as [(String, String?, PlannedChange.Action)])
    func action(_ action: String, _ replacement: String?, _ expected: PlannedChange.Action) {
        #expect(PlannedChange(Self.change(action, replacement))?.action == expected)
    }

    @Test("properties are named once, else what kind of attribute changes")
    func properties() {
        let named = PlannedChange(Self.change("Modify", names: ["Tags", "BucketName", "Tags"], scope: ["Properties"]))
        #expect(named?.properties == ["BucketName", "Tags"])
        #expect(PlannedChange(Self.change("Modify", scope: ["Tags"]))?.properties == ["Tags"])
        #expect(PlannedChange(Self.change("Add", scope: ["Tags"]))?.properties == [])
        #expect(PlannedChange(CloudFormation.Change(type: "Resource")) == nil)
    }

    static let plan = StackPlan(
        stack: "S", region: "us-east-1", kind: .update,
        changes: [
            .init(.replace, "VMBucket", type: "AWS::S3::Bucket", id: "b-1", properties: ["BucketName"]),
            .init(.add, "Role", type: "AWS::IAM::Role"), .init(.add, "Role2", type: "AWS::IAM::Role"),
        ],
        settings: PlannedSetting.all(
            from: ["A": "1", "B": "", "C": "same"], to: ["A": "1,2", "B": "x", "C": "same", "D": ""]))

    @Test("a plan as people see it")
    func text() {
        #expect(
            Self.plan.text(.piped) == """
                changes to stack S in us-east-1

                action   resource  type        what
                -------  --------  ----------  ----------
                replace  VMBucket  S3::Bucket  BucketName
                add      Role      IAM::Role
                add      Role2     IAM::Role
                2 to add, 1 to replace

                setting  now      then
                -------  -------  -------
                A        1        1, 2
                B        (empty)  x
                D        -        (empty)


                """)
    }

    @Test("no line of a plan is wider than the terminal")
    func width() {
        var plan = Self.plan
        plan.settings = [.init("VMDownloadACLArn", before: nil, after: String(repeating: "arn:", count: 40))]
        let lines = plan.text(Style(color: false, unicode: true, width: 80)).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 80 })
    }

    @Test("a plan as programs see it")
    func json() {
        let line = Self.plan.json.line
        #expect(line.hasPrefix(#"{"kind":"update","changes":[{"action":"replace","resource":"VMBucket""#), "\(line)")
        #expect(line.contains(#"{"name":"D","before":null,"after":""}"#))
    }

    @Test("omitted parameters keep their values; parameters gone from the template are dropped")
    func values() {
        let order = StackOrder(name: "S", template: "", parameterNames: ["A", "B"], parameters: ["A": "new"])
        #expect(order.values(over: ["A": "old", "B": "kept", "C": "gone"]) == ["A": "new", "B": "kept"])
        #expect(order.values(over: [:]) == ["A": "new"])
    }
}
