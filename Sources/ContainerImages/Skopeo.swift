import Workbench

extension ImageLayout {
    /// As skopeo takes it.
    func location(_ tag: String) -> String { "oci:\(directory):\(tag)" }
}

extension Command {
    /// Copies to a registry: only what is not there, of which some may be mounted from another repository of it.
    static func push(
        _ layout: ImageLayout, tag: String, to repository: ImageRepository, as newTag: String, credentials: String?
    ) -> Command {
        var arguments = ["copy", "--preserve-digests", "--retry-times", "3"]
        if repository.isOnThisMachine { arguments.append("--dest-tls-verify=false") }
        if let credentials { arguments += ["--authfile", credentials] }
        return Command("skopeo", arguments + [layout.location(tag), repository.location(newTag)], environment: plain)
    }

    /// Prints the manifest of a registry's image as it is.
    static func rawManifest(_ repository: ImageRepository, _ tag: String, credentials: String?) -> Command {
        var arguments = ["inspect", "--raw", "--retry-times", "3"]
        if repository.isOnThisMachine { arguments.append("--tls-verify=false") }
        if let credentials { arguments += ["--authfile", credentials] }
        return Command("skopeo", arguments + [repository.location(tag)], environment: plain)
    }

    /// Writes an archive as `docker save` does; `/dev/stdout` is allowed.
    static func archive(_ layout: ImageLayout, tag: String, to path: String, reference: String) -> Command {
        Command(
            "skopeo", ["copy", "--quiet", layout.location(tag), "docker-archive:\(path):\(reference)"],
            environment: plain)
    }

    private static let plain: [String: String?] = ["LC_ALL": "C.UTF-8"]
}
