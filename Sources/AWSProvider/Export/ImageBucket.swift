/// The bucket of VM images, as its stack tells it.
package struct ImageBucket: Sendable, Equatable {
    package var name: String
    /// The role with which AWS itself writes exports into it: its name.
    package var exportRole: String
    /// CloudFront's name for it, the only way in for the public.
    package var domain: String

    package init(name: String, exportRole: String, domain: String) {
        self.name = name
        self.exportRole = exportRole
        self.domain = domain
    }
}
