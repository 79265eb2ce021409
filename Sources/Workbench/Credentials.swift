extension String {
    /// The text with the user names and passwords of its URLs masked: `https://•••@index.example/simple`. Proxies and
    /// package indexes of the host may contain them.
    package var withoutCredentials: String {
        guard contains("://"), contains("@") else { return self }
        // Up to the last "@" before the path, because people do not always encode the one in a password.
        return replacing(/:\/\/[^\/\s'"]+@/, with: "://•••@")
    }
}
