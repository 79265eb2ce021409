import Testing

@testable import Reporting

@Suite struct FactSheetTests {
    let sheet = FactSheet([
        .init("identity", key: "arn", "arn:aws:iam::123456789012:user/ada"),
        .init("region", "eu-west-1", from: "profile dev with a long name, ~/.aws/config:2"),
        .init("expires", "never", .null),
        .shown("endpoint", "http://x\u{1B}[31m", from: "AWS_ENDPOINT_URL"),
        .json("endpoints", .array([.string("http://x")])),
    ])

    @Test func valuesStayWholeAndOriginsAreFolded() {
        #expect(
            sheet.text(Style(color: false, unicode: false, width: 36)) == """
                identity  arn:aws:iam::123456789012:user/ada
                region    eu-west-1
                          profile dev with a long
                          name, ~/.aws/config:2
                expires   never
                endpoint  http://x
                          AWS_ENDPOINT_URL

                """)
    }

    @Test func asJSON() {
        #expect(
            sheet.json.line
                == #"{"arn":"arn:aws:iam::123456789012:user/ada","region":"eu-west-1","#
                + #""region_from":"profile dev with a long name, ~/.aws/config:2","expires":null,"#
                + #""endpoints":["http://x"]}"#)
    }
}
