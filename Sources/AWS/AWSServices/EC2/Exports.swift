import AWSCore

extension EC2 {
    /// Starts exporting an image to a bucket; an image can have only one export task at a time.
    package struct ExportImage: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.token(\.clientToken)
        package static let permissions = ["ec2:ExportImage", "ec2:CreateTags", "iam:PassRole"]

        package var clientToken: String?
        package var description: String?
        /// `VMDK`, `VHD` or `RAW`.
        package var diskImageFormat: String
        package var dryRun: Bool?
        package var imageId: String
        package var s3ExportLocation: ExportLocation
        /// The role that AWS assumes to write to the bucket; `vmimport` by default.
        package var roleName: String?
        package var tagSpecifications: [TagSpecification]

        package init(
            imageId: String, diskImageFormat: String, s3ExportLocation: ExportLocation, roleName: String? = nil,
            tagSpecifications: [TagSpecification] = []
        ) {
            self.imageId = imageId
            self.diskImageFormat = diskImageFormat
            self.s3ExportLocation = s3ExportLocation
            self.roleName = roleName
            self.tagSpecifications = tagSpecifications
        }

        enum CodingKeys: String, CodingKey {
            case clientToken, description, diskImageFormat, dryRun, imageId, s3ExportLocation, roleName
            case tagSpecifications = "tagSpecification"
        }

        package typealias Output = ExportImageTask
    }

    package struct ExportLocation: Sendable, Codable, Equatable {
        package var s3Bucket: String
        /// Prefix of the object key, before the task ID: `prefix` + `export-ami-…` + `.vmdk`.
        package var s3Prefix: String?

        package init(s3Bucket: String, s3Prefix: String? = nil) {
            self.s3Bucket = s3Bucket
            self.s3Prefix = s3Prefix
        }
    }

    package struct ExportImageTask: Sendable, Codable, Equatable {
        package var exportImageTaskId: String
        package var description: String?
        package var imageId: String?
        /// Progress in percent.
        package var progress: String?
        package var s3ExportLocation: ExportLocation?
        /// `active`, `completed`, `deleting` or `deleted`, which is also the final status of a failed task.
        package var status: String?
        /// The current step, or the reason for a failure.
        package var statusMessage: String?
        package var tags: [Tag]

        enum CodingKeys: String, CodingKey {
            case exportImageTaskId, description, imageId, progress, s3ExportLocation, status, statusMessage
            case tags = "tagSet"
        }
    }

    package struct DescribeExportImageTasks: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var filters: [Filter]
        package var exportImageTaskIds: [String]
        package var maxResults: Int?
        package var nextToken: String?

        package init(exportImageTaskIds: [String] = [], filters: [Filter] = []) {
            self.exportImageTaskIds = exportImageTaskIds
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
            case filters = "filter"
            case exportImageTaskIds = "exportImageTaskId"
            case maxResults, nextToken
        }

        package struct Output: Sendable, Codable, Equatable {
            package var exportImageTasks: [ExportImageTask]
            package var nextToken: String?

            enum CodingKeys: String, CodingKey {
                case exportImageTasks = "exportImageTaskSet"
                case nextToken
            }
        }

        package static func items(of page: Output) -> [ExportImageTask] { page.exportImageTasks }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    /// Cancels a task; its partial output is removed.
    package struct CancelExportTask: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.lookup(
            taken: ["IncorrectState", "InvalidExportTaskID.NotFound"]
        ) { wanted, client in
            let search = DescribeExportImageTasks(exportImageTaskIds: [wanted.exportTaskId])
            let status = try await client.call(search).exportImageTasks.first?.status
            return ["deleting", "deleted"].contains(status) ? NoOutput() : nil
        }
        package static let permissions = ["ec2:CancelExportTask", "ec2:DescribeExportImageTasks"]

        package var exportTaskId: String

        package typealias Output = NoOutput

        package init(exportTaskId: String) {
            self.exportTaskId = exportTaskId
        }
    }
}
