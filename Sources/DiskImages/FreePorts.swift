import Glibc
import Workbench

/// Asks the kernel for TCP ports on 127.0.0.1 that nobody uses now.
///
/// Another program may take one before it is bound; whoever uses them tries again then.
package func freePorts(_ count: Int) throws -> [Int] {
    var sockets: [Int32] = []
    defer { for file in sockets { close(file) } }
    return try (0..<count).map { _ in
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { throw FileError("open a socket on", "127.0.0.1") }
        sockets.append(file)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, length) == 0 && getsockname(file, $0, &length) == 0
            }
        }
        guard isBound else { throw FileError("bind a port on", "127.0.0.1") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
