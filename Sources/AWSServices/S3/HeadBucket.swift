import AWSCore

extension S3 {
    /// Whether a bucket is there and may be used, and where it is. Answers 301 from another region than its own.
    package struct HeadBucket: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions = ["s3:ListBucket"]

        package var bucket: String

        package init(bucket: String) {
            self.bucket = bucket
        }

        package struct Output: Sendable, Equatable {
            package var bucketRegion: String
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.head, bucket: bucket)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            guard let region = response.header("x-amz-bucket-region") else {
                throw UnexpectedAnswer("expected the header x-amz-bucket-region")
            }
            return Output(bucketRegion: region)
        }
    }
}
