extension HTTPResponse {
    /// What an unexpected answer looks like, for an error message: kind and size, but no content, which may be secret.
    package var summary: String {
        guard !body.isEmpty else { return "an empty body" }
        let start = String(decoding: body.prefix(200), as: UTF8.self).lowercased()
        if start.contains("<html") || start.contains("<!doctype html") { return "an HTML page" }
        return "\(body.count) bytes" + (header("content-type").map { " of type \($0)" } ?? "")
    }
}
