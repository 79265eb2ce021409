import FoundationEssentials

/// ISO 8601 in UTC to the second, as query, ec2 and XML services take times.
func wireText(_ date: Date) -> String {
    date.formatted(.iso8601)
}

/// Reads a time as AWS's XML answers spell it: ISO 8601, with or without fractions of a second.
func wireDate(_ text: some StringProtocol) -> Date? {
    let text = String(text)
    return (try? Date(text, strategy: .iso8601))
        ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
}
