/// Answers of AWS as the benchmarks need them, of the size and shape that real ones have.
enum Documents {
    static let identity = """
        <GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>\
        <Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>AIDA</UserId><Account>123456789012</Account>\
        </GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
        </GetCallerIdentityResponse>
        """

    static let created = """
        <InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId>\
        </InitiateMultipartUploadResult>
        """

    static let noUploads = """
        <ListMultipartUploadsResult><Bucket>b</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>
        """

    static func completed(_ checksum: String) -> String {
        """
        <CompleteMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><ETag>"e"</ETag>\
        <ChecksumSHA256>\(checksum)</ChecksumSHA256></CompleteMultipartUploadResult>
        """
    }

    /// 1,000 objects; the continuation token is the number of the first.
    static func page(_ query: String) -> String {
        let first = query.firstMatch(of: /continuation-token=([0-9]+)/).flatMap { Int($0.1) } ?? 0
        let next = first + 1000
        var text = "<ListBucketResult><Name>b</Name><EncodingType>url</EncodingType>"
        text += "<IsTruncated>\(next < AnsweringServer.objects)</IsTruncated>"
        if next < AnsweringServer.objects { text += "<NextContinuationToken>\(next)</NextContinuationToken>" }
        for number in first..<next {
            text += """
                <Contents><Key>data_science_sandbox/0.1.0/object-\(number).vmdk</Key>\
                <LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;\(number)&quot;</ETag>\
                <Size>\(number)</Size><StorageClass>STANDARD</StorageClass></Contents>
                """
        }
        return text + "</ListBucketResult>"
    }

    /// An answer to DescribeImages, image by image as EC2 sends it.
    static func images(_ count: Int) -> String {
        var text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <DescribeImagesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
                <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
                <imagesSet>
            """
        for number in 0..<count { text += image(number) }
        return text + "</imagesSet></DescribeImagesResponse>"
    }

    static func image(_ number: Int) -> String {
        """
        <item>
            <imageId>ami-\(1_000_000 + number)</imageId>
            <imageLocation>123456789012/Exasol-Data-Science-Sandbox-\(number)</imageLocation>
            <imageState>available</imageState>
            <imageOwnerId>123456789012</imageOwnerId>
            <creationDate>2026-01-02T03:04:05.000Z</creationDate>
            <isPublic>false</isPublic>
            <architecture>x86_64</architecture>
            <imageType>machine</imageType>
            <platformDetails>Linux/UNIX</platformDetails>
            <usageOperation>RunInstances</usageOperation>
            <name>Exasol-Data-Science-Sandbox-\(number)</name>
            <description>Data science sandbox \(number) &amp; more</description>
            <rootDeviceType>ebs</rootDeviceType>
            <rootDeviceName>/dev/sda1</rootDeviceName>
            <blockDeviceMapping>
                <item>
                    <deviceName>/dev/sda1</deviceName>
                    <ebs>
                        <snapshotId>snap-\(1_000_000 + number)</snapshotId>
                        <volumeSize>100</volumeSize>
                        <deleteOnTermination>true</deleteOnTermination>
                        <volumeType>gp3</volumeType>
                        <encrypted>false</encrypted>
                    </ebs>
                </item>
                <item>
                    <deviceName>/dev/sdb</deviceName>
                    <virtualName>ephemeral0</virtualName>
                </item>
            </blockDeviceMapping>
            <virtualizationType>hvm</virtualizationType>
            <tagSet>
                <item><key>exa_dss_id</key><value>0.1.\(number)</value></item>
                <item><key>Name</key><value>Sandbox \(number)</value></item>
            </tagSet>
            <hypervisor>xen</hypervisor>
            <enaSupport>true</enaSupport>
            <sriovNetSupport>simple</sriovNetSupport>
            <bootMode>uefi-preferred</bootMode>
            <deprecationTime>2028-01-02T03:04:05.000Z</deprecationTime>
        </item>
        """
    }
}
