extension String {
    /// The text with the user names and passwords of its URLs masked: `https://•••@index.example/simple`. Proxies and
    /// package indexes of the host may contain them.
    package var withoutCredentials: String {
        guard contains("://"), contains("@") else { return self }
        return replacing(/:\/\/[^\/\s@'"]+@/, with: "://•••@")
    }
}
