import AWSCore

/// Simple Storage Service.
package enum S3 {
    package static let service = Service(id: "S3", signingName: "s3", version: "2006-03-01", concurrency: 32)
    static let namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
}

extension HTTPRequest {
    /// Addresses a bucket or an object in it: in the host's name, which AWS prefers, or in the path where the endpoint
    /// is an emulator's or the name's dots would not fit AWS's certificate.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
    mutating func address(_ method: Method, bucket: String, key: String = "") {
        self.method = method
        let key = percentEncoded(key, keepsSlash: true)
        if endpoint.isCustom || bucket.contains(".") {
            path = key.isEmpty ? "/\(bucket)" : "/\(bucket)/\(key)"
        } else {
            endpoint.host = "\(bucket).\(endpoint.host)"
            path = "/\(key)"
        }
    }
}
