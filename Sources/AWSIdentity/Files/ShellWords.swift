/// The words of a line as a POSIX shell would split it, without expanding anything; `nil` where a quote is left open.
///
/// Python's `shlex.split`, by which the AWS CLI splits `credential_process` and the names of sections.
func shellWords(_ line: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in line {
        if isEscaped {
            isEscaped = false
            // Within double quotes a backslash keeps its meaning only before these two.
            word = (word ?? "") + (quote != nil && character != "\"" && character != "\\" ? "\\" : "") + "\(character)"
        } else if character == "\\", quote != "'" {
            isEscaped = true
            word = word ?? ""
        } else if let open = quote {
            if character == open { quote = nil } else { word = (word ?? "") + "\(character)" }
        } else if character == "'" || character == "\"" {
            quote = character
            word = word ?? ""
        } else if character.isWhitespace {
            if let finished = word { words.append(finished) }
            word = nil
        } else {
            word = (word ?? "") + "\(character)"
        }
    }
    guard quote == nil, !isEscaped else { return nil }
    return words + (word.map { [$0] } ?? [])
}
