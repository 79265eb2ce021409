import AWSCore

extension CloudFormation {
    /// Whether AWS can read a template; refused with `ValidationError` where not.
    package struct ValidateTemplate: QueryOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.harmless

        package var templateBody: String?
        package var templateURL: String?

        package init(templateBody: String) {
            self.templateBody = templateBody
        }

        package struct Output: Sendable, Codable, Equatable {
            package var parameters: [TemplateParameter]
            package var description: String?
            package var capabilities: [String]
            package var capabilitiesReason: String?
        }
    }

    package struct TemplateParameter: Sendable, Codable, Equatable {
        package var parameterKey: String?
        package var defaultValue: String?
        package var noEcho: Bool?
        package var description: String?
    }

    /// What is in a template, or in a stack's present one.
    package struct GetTemplateSummary: QueryOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.harmless

        package var templateBody: String?
        package var templateURL: String?
        package var stackName: String?

        package init(templateBody: String? = nil, stackName: String? = nil) {
            self.templateBody = templateBody
            self.stackName = stackName
        }

        package struct Output: Sendable, Codable, Equatable {
            package var parameters: [SummaryParameter]
            package var description: String?
            package var capabilities: [String]
            package var capabilitiesReason: String?
            package var resourceTypes: [String]
        }
    }

    package struct SummaryParameter: Sendable, Codable, Equatable {
        package var parameterKey: String?
        package var defaultValue: String?
        package var parameterType: String?
        package var noEcho: Bool?
        package var description: String?
    }
}
