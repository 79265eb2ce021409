import Glibc

extension Command {
    /// Reads from the Git repository of a folder.
    ///
    /// A repository's configuration can name programs, such as `gpg.program`. As root, Git therefore runs as the owner of
    /// the folder, without the configuration of root or of the user who called sudo. Git itself refuses a repository that
    /// belongs to somebody else.
    package static func git(in folder: String, _ arguments: [String]) -> Command {
        var status = stat()
        let isThere = stat(folder, &status) == 0
        return git(in: folder, arguments, as: geteuid() == 0 && isThere ? (status.st_uid, status.st_gid) : nil)
    }

    /// - Parameter owner: the user and group to run Git as; `nil` for those of this process.
    static func git(in folder: String, _ arguments: [String], as owner: (user: uid_t, group: gid_t)?) -> Command {
        let words = ["git", "-C", folder] + arguments
        guard let owner else { return Command(words[0], Array(words.dropFirst())) }
        let environment: [String: String?] = [
            "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/", "XDG_CONFIG_HOME": nil, "SUDO_UID": nil,
        ]
        guard owner.user != 0 else { return Command(words[0], Array(words.dropFirst()), environment: environment) }
        let identity = ["--reuid=\(owner.user)", "--regid=\(owner.group)", "--clear-groups", "--"]
        return Command("setpriv", identity + words, environment: environment)
    }
}
