import AWSCore
import AWSTestSupport
import Testing

/// Checks the declared permissions against AWS's own tables.
@Suite("Permissions")
struct PermissionTests {
    @Test("every permission that an operation declares exists in AWS")
    func existence() throws {
        let declared = Catalogue.all.flatMap { Swift.type(of: $0.sample).permissions }
        #expect(declared.count > 80)
        #expect(try PolicyLint.complaints(["actions": Set(declared).sorted()]) == [])
        #expect(try PolicyLint.complaints(["actions": ["s3:HeadObject"]]) == ["there is no action s3:HeadObject"])
    }
}
