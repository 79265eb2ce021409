import Crypto
import Glibc

/// The SHA-256 of a file of any size, read in pieces of 1 MiB.
package func sha256(of path: String) throws -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError("read", path) }
    defer { close(file) }
    posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL)
    var state = SHA256()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    while true {
        try Task.checkCancellation()
        let count = read(file, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw FileError("read", path) }
        guard count > 0 else { return hexadecimal(state.finalize()) }
        state.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
}

/// The SHA-256 of a text's bytes.
package func sha256(ofText text: String) -> String { hexadecimal(SHA256.hash(data: Array(text.utf8))) }
