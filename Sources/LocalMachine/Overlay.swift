import Workbench

/// A stack of read-only trees, the lowest first, with room for changes on top.
struct Overlay: Sendable, Equatable {
    var lower: [String]
    /// Where changes go and the directory that the kernel needs beside it; `nil` is a read-only view.
    var upper: (changes: String, work: String)?
    var target: String

    static func == (a: Overlay, b: Overlay) -> Bool { a.mount == b.mount }

    /// The kernel's defaults differ from host to host, so the features that change what the upper directory
    /// looks like are named. `volatile` leaves out every sync: a build that loses power starts anew anyway.
    var mount: Command {
        var options = ["lowerdir=\(lower.reversed().map(Self.escaped).joined(separator: ":"))"]
        if let upper {
            options += ["upperdir=\(Self.escaped(upper.changes))", "workdir=\(Self.escaped(upper.work))", "volatile"]
        } else {
            options.append("ro")
        }
        options += ["redirect_dir=off", "metacopy=off", "index=off", "xino=off"]
        return Command("mount", ["-t", "overlay", "-o", options.joined(separator: ","), "dss", target])
    }

    private static func escaped(_ path: String) -> String {
        path.map { "\\:,".contains($0) ? "\\\($0)" : String($0) }.joined()
    }
}
