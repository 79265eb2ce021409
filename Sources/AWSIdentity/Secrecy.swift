import AWSServices

// What holds secrets on its way shows none, however it is printed.

extension IdentityWorld: Discreet {
    package var shown: KeyValuePairs<String, Any> { ["home": home] }
}

extension INIFile.Entry: Discreet {
    var shown: KeyValuePairs<String, Any> { ["place": place] }
}

extension SignOnToken: Discreet {
    var shown: KeyValuePairs<String, Any> { ["expiresAt": expiresAt] }
}

extension CredentialDocument: Discreet {
    var shown: KeyValuePairs<String, Any> { ["expiration": expiration ?? "never"] }
}

extension GitHubToken: Discreet {
    var shown: KeyValuePairs<String, Any> { [:] }
}

extension MetadataCall: Discreet {
    var shown: KeyValuePairs<String, Any> { ["name": name, "url": shownURL] }
}
