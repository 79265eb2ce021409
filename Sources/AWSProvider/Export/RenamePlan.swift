/// How an object is copied inside S3: at once, or in parts.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
package struct RenamePlan: Sendable, Equatable {
    /// Bytes; above that, S3 refuses to copy at once.
    package var singleCopyLimit: Int
    /// Bytes of each part but the last, 5 MiB to 5 GiB.
    package var partSize: Int
    /// Parts that are copied at the same time.
    package var parallel: Int

    package init(singleCopyLimit: Int = 5 << 30, partSize: Int = 512 << 20, parallel: Int = 8) {
        self.singleCopyLimit = singleCopyLimit
        self.partSize = partSize
        self.parallel = parallel
    }

    package struct Part: Sendable, Equatable {
        /// From 1.
        package var number: Int
        package var range: ClosedRange<Int>
    }

    /// The parts of an object, larger ones than planned where it would be more than the 10,000 that S3 takes.
    package func parts(of size: Int) -> [Part] {
        let mebibyte = 1 << 20
        let least = (size + 9_999) / 10_000
        let length = max(partSize, (least + mebibyte - 1) / mebibyte * mebibyte)
        return stride(from: 0, to: size, by: length).enumerated().map { index, start in
            Part(number: index + 1, range: start...min(start + length, size) - 1)
        }
    }
}
