extension String {
    /// The text with the user names and passwords of its URLs masked: `https://•••@index.example/simple`. Proxies and
    /// package indexes of the host may contain them. A password may contain an `@` that is not encoded.
    package var withoutCredentials: String {
        guard contains("://"), contains("@") else { return self }
        return replacing(/:\/\/[^\/\s"]+@/, with: "://•••@")
    }

    /// An HTTP URL without its user name and password, and with them if it has any. A process list shows the arguments
    /// of every program to every user, and many tools pass a URL on to a program that they start; they get the login in
    /// a file instead.
    package var separatingLogin: (url: String, login: URLLogin?) {
        guard let match = wholeMatch(of: /((?i:https?):\/\/)([^\/]+)@([^\/@]+)(\/.*)?/) else { return (self, nil) }
        let words = match.2.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return (
            "\(match.1)\(match.3)\(match.4 ?? "")",
            URLLogin(
                scheme: String(match.1), host: String(match.3), user: words[0],
                password: words.count > 1 ? words[1] : "")
        )
    }
}

/// The login of a URL, with the encoding of the URL.
package struct URLLogin: Sendable, Hashable {
    /// `http://` or `https://`.
    var scheme: String
    /// With a port, if the URL has one.
    package var host: String
    var user: String
    var password: String

    /// The line of a file for `git credential-store`, to which the first `@` ends the password.
    package var gitCredential: String {
        "\(scheme)\(user.replacing("@", with: "%40")):\(password.replacing("@", with: "%40"))@\(host)\n"
    }

    /// The name that `.netrc` knows the host by, which is without a port.
    package var machine: String { String(host.prefix { $0 != ":" }) }

    /// The line of a `.netrc` file, or why the login cannot be written there.
    package var netrc: Result<String, NetrcObstacle> {
        guard !host.hasPrefix("[") else { return .failure(NetrcObstacle("the host is an IPv6 address")) }
        guard let user = percentDecoded(user[...]), let password = percentDecoded(password[...]) else {
            return .failure(NetrcObstacle("its encoding with % is not valid"))
        }
        guard !user.isEmpty else { return .failure(NetrcObstacle("it has no user name")) }
        guard !password.isEmpty else { return .failure(NetrcObstacle("it has no password")) }
        // Versions of Python read quotation marks and backslashes differently.
        let isPlain = (user + password).unicodeScalars.allSatisfy {
            !$0.properties.isWhitespace && $0.properties.generalCategory != .control
                && !"\"'\\#".unicodeScalars.contains($0)
        }
        guard isPlain else {
            return .failure(NetrcObstacle(#"it contains white space, a quotation mark, a \ or a #"#))
        }
        return .success("machine \(machine) login \(user) password \(password)\n")
    }
}

/// Why a login cannot be written into a `.netrc` file, without the login.
package struct NetrcObstacle: Error, Sendable, Equatable {
    package var reason: String

    package init(_ reason: String) { self.reason = reason }
}

/// The text of a part of a URL, in which `%` and two hexadecimal digits stand for a byte.
/// - Returns: `nil` if a `%` is not followed by two hexadecimal digits, or the bytes are not UTF-8.
package func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        let digits = String(decoding: rest.prefix(2), as: UTF8.self)
        guard digits.count == 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16) else {
            return nil
        }
        bytes.append(value)
        rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
}
