import FoundationEssentials
import Sandbox
import Workbench

/// How a registry is told who pushes.
package enum RegistryCredentials: Sendable {
    /// From the environment; in a file without a name while they are used.
    case given(user: String, password: Secret)
    /// Docker's own configuration, with its credential helpers: this file, or the usual one.
    case docker(configuration: String?)

    /// User and password of the environment where there are any, else what `docker login` has left.
    /// - Parameter user: of the command line; wins over the environment.
    package init(user: String?, environment: [String: String]) throws {
        let password = environment["DOCKER_REGISTRY_PASSWORD"].flatMap { $0.isEmpty ? nil : $0 }
        let name = user ?? environment["DOCKER_REGISTRY_USER"].flatMap { $0.isEmpty ? nil : $0 }
        switch (name, password) {
        case (let name?, let password?): self = .given(user: name, password: Secret(password))
        case (nil, nil):
            self = .docker(configuration: environment["DOCKER_CONFIG"].map { "\($0)/config.json" })
        case (let name?, nil):
            throw Failure(
                .usage, "the password of the registry user \(name) is needed", advice: "set DOCKER_REGISTRY_PASSWORD")
        case (nil, _?):
            throw Failure(
                .usage, "DOCKER_REGISTRY_PASSWORD is set, but no user",
                advice: "set DOCKER_REGISTRY_USER, or add --registry-user")
        }
    }

    /// Gives `body` the file that skopeo reads, `nil` for the usual ones; a file of ours is gone afterwards.
    func withFile<Result>(
        for repository: ImageRepository, _ body: (String?) async throws -> Result
    ) async throws -> Result {
        switch self {
        case .docker(let configuration): return try await body(configuration.flatMap { fileExists($0) ? $0 : nil })
        case .given(let user, let password):
            return try await withNamelessFile(try Self.file(repository, user, password)) { try await body($0) }
        }
    }

    /// A file as `docker login` writes it.
    static func file(_ repository: ImageRepository, _ user: String, _ password: Secret) throws -> String {
        let auth = Data("\(user):\(password.reveal)".utf8).base64EncodedString()
        return try canonicalJSON(["auths": [repository.credentialsKey: ["auth": auth]]])
    }
}
