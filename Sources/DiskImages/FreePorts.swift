import Glibc
import Workbench

/// Asks the kernel for unused TCP ports on 127.0.0.1.
///
/// Another program may take a port before the caller binds it; the caller must retry in that case.
package func freePorts(_ count: Int) throws -> [Int] {
    try freePorts(preferring: Array(repeating: 0, count: count))
}

/// The preferred TCP ports on 127.0.0.1 as far as they are unused, and other unused ones in place of the rest.
/// - Parameter ports: the preferred ports; 0 for any.
package func freePorts(preferring ports: [Int]) throws -> [Int] {
    var sockets: [Int32] = []
    defer { for file in sockets { close(file) } }
    return try ports.map { preferred in
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { throw FileError("open a socket on", "127.0.0.1") }
        sockets.append(file)
        guard let port = boundPort(file, UInt16(exactly: preferred) ?? 0) ?? boundPort(file, 0) else {
            throw FileError("bind a port on", "127.0.0.1")
        }
        return port
    }
}

/// Binds a socket to a port of 127.0.0.1, or to any unused one if the port is 0.
/// - Returns: `nil` if the port is taken.
private func boundPort(_ file: Int32, _ port: UInt16) -> Int? {
    // As QEMU does: connections that were closed a moment ago do not block a port.
    var reuses: Int32 = port == 0 ? 0 : 1
    setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &reuses, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(file, $0, length) == 0 && getsockname(file, $0, &length) == 0
        }
    }
    return isBound ? Int(UInt16(bigEndian: address.sin_port)) : nil
}
