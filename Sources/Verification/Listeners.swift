/// The sockets that listen on JupyterLab's port in the guest, as `ss -Hltn` lists them.
struct Listeners: Sendable, Equatable {
    /// Address and port of each socket: `127.0.0.1:49494`.
    var addresses: [String]

    /// - Parameter output: Lines with the state, the lengths of two queues, and the addresses of both ends.
    init(_ output: String) {
        addresses = output.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count >= 5 ? String(fields[3]) : nil
        }
    }

    private var reachable: [String] {
        addresses.filter { address in !["127.", "[::1]", "[::ffff:127."].contains { address.hasPrefix($0) } }
    }

    /// Compares the sockets with what the message of the day says.
    /// - Parameter needsTunnel: Whether it says that JupyterLab is reached through an SSH tunnel only.
    func verdict(needsTunnel: Bool) -> Verdict {
        let all = addresses.joined(separator: ", ")
        if addresses.isEmpty { return .failed("no socket listens on the port of JupyterLab") }
        if needsTunnel, !reachable.isEmpty {
            return .failed("JupyterLab listens on \(reachable.joined(separator: ", ")), not only for SSH tunnels")
        }
        if !needsTunnel, reachable.isEmpty { return .failed("JupyterLab listens only on \(all)") }
        return .passed(all)
    }
}
