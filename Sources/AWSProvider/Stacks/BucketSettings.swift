import Sandbox

/// What an administrator may choose of the bucket; what is `nil` stays as it is.
package struct BucketSettings: Sendable, Equatable {
    package var isVersioned: Bool?
    /// Days after which the parts of an unfinished upload are removed.
    package var unfinishedUploadDays: Int?
    /// The bucket that takes the access logs; empty for none.
    package var accessLogs: String?
    /// A name of one's own and its certificate; both empty for CloudFront's own name.
    package var domain: String?
    package var certificate: String?

    /// Checks all that was typed.
    /// - Throws: `Failure` with all mistakes.
    package init(
        isVersioned: Bool? = nil, unfinishedUploadDays: String? = nil, accessLogs: String? = nil,
        domain: String? = nil, certificate: String? = nil
    ) throws {
        var mistakes: [String] = []
        self.isVersioned = isVersioned
        self.unfinishedUploadDays = unfinishedUploadDays.flatMap { text in
            let number = Int(text).flatMap { (1...365).contains($0) ? $0 : nil }
            if number == nil { mistakes.append("--unfinished-upload-days '\(text)': must be a number from 1 to 365") }
            return number
        }
        self.accessLogs = Self.noneAsEmpty(accessLogs)
        if let name = self.accessLogs, !name.isEmpty, name.wholeMatch(of: /[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/) == nil {
            mistakes.append("--access-logs '\(name)': a bucket's name has 3 to 63 lower-case letters, digits, . and -")
        }
        let domain = Self.noneAsEmpty(domain)
        self.domain = domain
        self.certificate = domain == "" ? "" : certificate
        if let domain, !domain.isEmpty, domain.wholeMatch(of: /([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}/) == nil {
            mistakes.append("--domain '\(domain)': is no name of a host")
        }
        if let arn = certificate, arn.wholeMatch(of: /arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate\/.+/) == nil {
            mistakes.append("--certificate '\(arn)': CloudFront takes the ARN of a certificate in us-east-1")
        }
        if (domain ?? "").isEmpty != (certificate == nil) {
            mistakes.append("--domain and --certificate belong together")
        }
        try refuseOptions(mistakes)
    }

    /// - Parameter webACL: the ARN of what guards the downloads.
    package func parameters(webACL: String) -> [String: String] {
        var values = ["VMDownloadACLArn": webACL]
        values["Versioning"] = isVersioned.map { $0 ? "Enabled" : "Suspended" }
        values["UnfinishedUploadDays"] = unfinishedUploadDays.map { "\($0)" }
        values["AccessLogBucket"] = accessLogs
        values["DomainName"] = domain
        values["CertificateArn"] = certificate
        return values
    }

    private static func noneAsEmpty(_ text: String?) -> String? { text == "none" ? "" : text }
}
