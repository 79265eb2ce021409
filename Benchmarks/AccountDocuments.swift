import NIOCore

/// All answers of an account, page by page; the token of a page is its number.
struct AccountDocuments: Sendable {
    private static let page = 1000
    private let images: [ByteBuffer]
    private let snapshots: [ByteBuffer]
    private let objects: [ByteBuffer]

    init(images: Int, objects: Int) {
        self.images = Self.pages(of: images, "DescribeImages", "imagesSet", Documents.image)
        snapshots = Self.pages(of: images, "DescribeSnapshots", "snapshotSet", Self.snapshot)
        self.objects = Self.objectPages(of: objects, images)
    }

    /// - Parameter request: the form of a POST, or the path of a GET.
    /// - Returns: `nil` for what the program was not expected to ask.
    func answer(_ request: String) -> ByteBuffer? {
        if request.contains("list-type=2") {
            return objects[number(after: "continuation-token=", in: request)]
        }
        if request.contains("uploads") {
            return ByteBuffer(string: Documents.noUploads)
        }
        if request.contains("versioning") { return ByteBuffer(string: Documents.unversioned) }
        if request.contains("versions") { return ByteBuffer(string: Documents.noVersions) }
        let action = request.firstMatch(of: /Action=(\w+)/).map { String($0.1) } ?? ""
        let page = number(after: "NextToken=", in: request)
        return switch action {
        case "DescribeImages": images[page]
        case "DescribeSnapshots": snapshots[page]
        case "DescribeStacks": ByteBuffer(string: Documents.stacks)
        case "ListStackResources": ByteBuffer(string: Documents.stackResources)
        case "DescribeExportImageTasks": ByteBuffer(string: Documents.empty(action, "exportImageTaskSet"))
        case "DescribeInstances": ByteBuffer(string: Documents.empty(action, "reservationSet"))
        case "DescribeKeyPairs": ByteBuffer(string: Documents.empty(action, "keySet"))
        default: nil
        }
    }

    private func number(after name: String, in request: String) -> Int {
        guard let place = request.firstRange(of: name) else { return 0 }
        return Int(request[place.upperBound...].prefix { $0.isNumber }) ?? 0
    }

    private static func pages(
        of count: Int, _ action: String, _ set: String, _ item: (Int) -> String
    ) -> [ByteBuffer] {
        stride(from: 0, to: count, by: page).map { first in
            let next = min(first + page, count)
            var text = "<\(action)Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><\(set)>"
            for number in first..<next { text += item(number) }
            text += "</\(set)>" + (next < count ? "<nextToken>\(next / page)</nextToken>" : "")
            return ByteBuffer(string: text + "</\(action)Response>")
        }
    }

    private static func snapshot(_ number: Int) -> String {
        """
        <item>
            <snapshotId>snap-\(1_000_000 + number)</snapshotId>
            <volumeId>vol-\(1_000_000 + number)</volumeId>
            <status>completed</status>
            <startTime>2026-01-02T03:04:05.000Z</startTime>
            <progress>100%</progress>
            <ownerId>123456789012</ownerId>
            <volumeSize>100</volumeSize>
            <description>Created by CreateImage(i-1) for ami-\(1_000_000 + number)</description>
            <encrypted>false</encrypted>
            <tagSet>
                <item><key>exa_dss_id</key><value>0.1.\(number)</value></item>
                <item><key>Name</key><value>Sandbox \(number)</value></item>
            </tagSet>
            <storageTier>standard</storageTier>
            <fullSnapshotSizeInBytes>8589934592</fullSnapshotSizeInBytes>
        </item>
        """
    }

    private static func objectPages(of count: Int, _ images: Int) -> [ByteBuffer] {
        stride(from: 0, to: count, by: page).map { first in
            let next = min(first + page, count)
            var text = "<ListBucketResult><Name>b</Name><EncodingType>url</EncodingType>"
            text += "<IsTruncated>\(next < count)</IsTruncated>"
            if next < count { text += "<NextContinuationToken>\(next / page)</NextContinuationToken>" }
            for number in first..<next {
                text += """
                    <Contents><Key>data_science_sandbox/0.1.\(number % images)/sandbox-\(number).vmdk</Key>\
                    <LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;\(number)&quot;</ETag>\
                    <Size>1500000000</Size><StorageClass>STANDARD</StorageClass></Contents>
                    """
            }
            return ByteBuffer(string: text + "</ListBucketResult>")
        }
    }
}

extension Documents {
    static let unversioned = "<VersioningConfiguration/>"
    static let noVersions = "<ListVersionsResult><Name>b</Name><IsTruncated>false</IsTruncated></ListVersionsResult>"

    static func empty(_ action: String, _ set: String) -> String {
        "<\(action)Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><\(set)/></\(action)Response>"
    }

    static let stacks = """
        <DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult>\
        <Stacks><member><StackName>DATA-SCIENCE-SANDBOX-VM-Bucket</StackName><StackId>arn:aws:cloudformation:x</StackId>\
        <CreationTime>2026-01-02T03:04:05.000Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>\
        <member><OutputKey>VMBucketId</OutputKey><OutputValue>b</OutputValue></member>\
        <member><OutputKey>CfDistributionDomainName</OutputKey><OutputValue>d1.cloudfront.net</OutputValue></member>\
        </Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>
        """

    static let stackResources = """
        <ListStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">\
        <ListStackResourcesResult><StackResourceSummaries/></ListStackResourcesResult></ListStackResourcesResponse>
        """
}
