import AWSServices
import Foundation

extension Tree {
    /// For values that encode themselves: the property names, which are the model's names in lower case.
    init(mirroring value: Any) {
        var missing: [String] = []
        var members: [String: Any] = [:]
        for child in Mirror(reflecting: value).children {
            guard let name = child.label else { continue }
            if let leaf = Self.leaf(child.value) { members[name] = leaf } else { missing.append(name) }
        }
        self.init(value: members, missing: missing, names: "model")
    }

    private static func leaf(_ value: Any) -> Any? {
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .optional { return mirror.children.first.flatMap { leaf($0.value) } }
        return switch value {
        case let bytes as [UInt8]: ["$bytes": Data(bytes).base64EncodedString()]
        case is String, is Int, is Bool, is [String: String]: value
        default: "\(value)"
        }
    }
}
