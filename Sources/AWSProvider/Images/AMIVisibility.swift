import AWSCore
import AWSServices
import Sandbox

/// Makes an AMI and its snapshots public or private, always both together.
package struct AMIVisibility: Sendable {
    package struct State: Sendable, Equatable {
        package struct Snapshot: Sendable, Equatable {
            package var id: String
            package var isPublic: Bool
        }

        package var imageID: String
        package var name: String
        package var isPublic: Bool
        package var snapshots: [Snapshot]

        /// Whether the image and all its snapshots are in the wanted state.
        package func isAll(public wanted: Bool) -> Bool {
            isPublic == wanted && snapshots.allSatisfy { $0.isPublic == wanted }
        }
    }

    /// The states before and after a change.
    package struct Change: Sendable {
        package var before: State
        package var after: State
    }

    /// Makes an image and its snapshots public or private, unless they already are.
    /// - Parameter approve: Called before anything is changed; an error it throws ends the change.
    package static func set(
        public wanted: Bool, of image: ImageReference, in client: AWSClient, names: SandboxDefinition.Names,
        approve: (State) async throws -> Void
    ) async throws -> Change {
        let visibility = AMIVisibility(client)
        let id = try await image.find(in: client, names: names).id
        let before = try await visibility.state(of: id)
        guard !before.isAll(public: wanted) else { return Change(before: before, after: before) }
        if wanted { try await visibility.check(id) }
        try await approve(before)
        try await wanted ? visibility.makePublic(before) : visibility.makePrivate(before)
        return Change(before: before, after: try await visibility.state(of: id))
    }

    /// The client of the image's region.
    let client: AWSClient

    package init(_ client: AWSClient) {
        self.client = client
    }

    package func state(of image: String) async throws -> State {
        try await state(of: try await OwnImages(client).required(image))
    }

    private func state(of image: EC2.Image) async throws -> State {
        let permissions = try await client.call(EC2.DescribeImageAttribute(imageId: image.imageId)).launchPermissions
        var state = State(
            imageID: image.imageId, name: image.name ?? "", isPublic: permissions.contains { $0.group == "all" },
            snapshots: [])
        for id in image.snapshotIDs {
            let permissions = try await client.call(EC2.DescribeSnapshotAttribute(snapshotId: id))
                .createVolumePermissions
            state.snapshots.append(.init(id: id, isPublic: permissions.contains { $0.group == "all" }))
        }
        return state
    }

    /// - Throws: `Failure` if AWS would refuse to make the image or one of its snapshots public.
    package func check(_ id: String) async throws {
        let image = try await OwnImages(client).required(id)
        guard image.state == "available" else {
            throw Failure(
                .temporary, "AMI \(id) in \(client.region) is \(image.state); only available AMIs can be shared")
        }
        try checkEncryption(of: image)
        try await checkAccount()
        if image.public != true { try await checkQuota() }
    }

    /// - Throws: `Failure` if the account cannot have another public image in the region.
    func checkRoom() async throws {
        try await checkAccount()
        try await checkQuota()
    }

    private func checkQuota() async throws {
        let used = try await OwnImages(client).all([.init(name: "is-public", values: ["true"])]).count
        try await AccountQuota.publicImages.check(used: used, client)
    }

    private func checkEncryption(of image: EC2.Image) throws {
        let mapped = image.blockDeviceMappings.first { $0.ebs?.encrypted == true }?.ebs?.snapshotId
        guard let snapshot = mapped else { return }
        throw Failure(
            .badData,
            "snapshot \(snapshot) of \(image.imageId) is encrypted; encrypted snapshots cannot be made public",
            advice: "create the AMI in an account without encryption by default, or disable it with: "
                + "aws ec2 disable-ebs-encryption-by-default --region \(client.region)")
    }

    /// Checks the settings that block public access for all images and snapshots of the account in the region.
    private func checkAccount() async throws {
        let images = try await client.call(EC2.GetImageBlockPublicAccessState())
        if images.imageBlockPublicAccessState == "block-new-sharing" {
            throw isBlocked("AMIs", "image", images.managedBy)
        }
        let snapshots = try await client.call(EC2.GetSnapshotBlockPublicAccessState())
        if let state = snapshots.state, state != "unblocked" {
            throw isBlocked("snapshots", "snapshot", snapshots.managedBy)
        }
    }

    private func isBlocked(_ what: String, _ kind: String, _ manager: String?) -> Failure {
        let isPolicy = manager == "declarative-policy"
        return Failure(
            .noPermission,
            "public access to \(what) is blocked in \(client.region)"
                + (isPolicy ? " by a policy of your organization" : " for the whole account"),
            advice: isPolicy
                ? "ask the administrators of your organization"
                : "to allow it: aws ec2 disable-\(kind)-block-public-access --region \(client.region)")
    }

    /// Makes the snapshots public first, so that no public image exists that cannot be copied. If a step fails, the
    /// previous ones are rolled back.
    package func makePublic(_ state: State) async throws {
        try await Scope.run(keepsOnSuccess: true) { scope in
            let all = EC2.Permission(group: "all")
            for snapshot in state.snapshots where !snapshot.isPublic {
                await scope.undo.register("public access to \(snapshot.id)", remedy: remedy(state)) {
                    try await hide(snapshot.id)
                }
                _ = try await client.call(
                    EC2.ModifySnapshotAttribute(snapshotId: snapshot.id, createVolumePermission: .init(add: [all])))
            }
            guard !state.isPublic else { return }
            await scope.undo.register("public access to \(state.imageID)", remedy: remedy(state)) {
                try await hide(image: state.imageID)
            }
            _ = try await client.call(
                EC2.ModifyImageAttribute(imageId: state.imageID, launchPermission: .init(add: [all])))
        }
    }

    /// Makes the image private first, because the image is what others find. A resource that stays public does not keep
    /// the others from becoming private.
    /// - Throws: `Failure` that names what stayed public and why, and what is private now.
    package func makePrivate(_ state: State) async throws {
        var (hidden, visible): ([String], [(id: String, error: AWSError)]) = ([], [])
        func attempt(_ id: String, _ hide: () async throws -> Void) async throws {
            do {
                try await hide()
                hidden.append(id)
            } catch let error as AWSError { visible.append((id, error)) }
        }
        if state.isPublic { try await attempt(state.imageID) { try await hide(image: state.imageID) } }
        for snapshot in state.snapshots where snapshot.isPublic {
            try await attempt(snapshot.id) { try await hide(snapshot.id) }
        }
        guard let first = visible.first else { return }
        throw Failure(
            first.error.kind == .denied ? .noPermission : .failed,
            "\(visible.map(\.id).joined(separator: ", ")) in \(client.region) may still be public",
            details: visible.map { "\($0.id): \($0.error)" } + hidden.map { "\($0) is private now" },
            advice: "fix the problem, then: \(remedy(state))")
    }

    private func hide(image id: String) async throws {
        _ = try await client.call(
            EC2.ModifyImageAttribute(imageId: id, launchPermission: .init(remove: [.init(group: "all")])))
    }

    private func hide(_ snapshot: String) async throws {
        _ = try await client.call(
            EC2.ModifySnapshotAttribute(
                snapshotId: snapshot, createVolumePermission: .init(remove: [.init(group: "all")])))
    }

    private func remedy(_ state: State) -> String {
        "dss make-ami-public \(state.imageID) --undo --yes --region \(client.region)"
    }
}
