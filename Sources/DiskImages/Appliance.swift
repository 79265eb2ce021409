import Sandbox

/// The machine that an OVA describes.
package struct Appliance: Sendable, Equatable {
    /// Shown in the hypervisor's list.
    package var name: String
    package var version: String
    /// What to do first: user, port, password.
    package var annotation: String
    package var processors: Int
    package var memoryMiB: Int

    package init(
        name: String, version: String, annotation: String = "", processors: Int = 2, memoryMiB: Int = 4096
    ) {
        self.name = name
        self.version = version
        self.annotation = annotation
        self.processors = processors
        self.memoryMiB = memoryMiB
    }
}

extension Appliance {
    /// The machine of an order's images.
    package init(_ order: BuildOrder) {
        let definition = order.definition
        self.init(
            name: order.imageStem, version: definition.version,
            annotation: "Log in as \(definition.user.name); JupyterLab listens on port \(definition.ports.jupyter).")
    }
}
