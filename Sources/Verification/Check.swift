/// Everything that is checked of an image, in the order in which it is reported; the raw value is its name there.
package enum Check: String, CaseIterable, Sendable {
    case answers = "sshd answers"
    case passwordForced = "the first login with the default password forces a new one"
    case oldPasswordRefused = "the default password is refused afterwards"
    case newPasswordAccepted = "the new password is accepted"
    case sudo = "sudo works with the new password"
    case groups = "the user is a member of sudo and docker"
    case sudoAsks = "sudo asks for the password"
    case loginUsers = "there is no other login user"
    case sshFiles = "no SSH keys are left in the homes"
    case history = "no shell history is left"
    case buildFiles = "nothing of the build is left"
    case packageCaches = "no package lists and caches are left"
    case logs = "no logs of the build are left"
    case cloudState = "no cloud-init state of the build is left"
    case hostConfiguration = "no configuration of the build host is left"
    case machineID = "the machine has an id"
    case coreDumps = "core dumps are off"
    case passwordLogin = "every sshd configuration allows passwords"
    case units = "no systemd unit failed"
    case boot = "nothing delays the boot"
    case disk = "the root file system fills its disk"
    case poetry = "poetry runs"
    case docker = "docker reaches its engine without sudo"
    case scriptLanguages = "script-languages-release is cloned with its submodules"
    case containerBuild = "a script-language container can be started building"
    case messageComes = "the message of the day names JupyterLab's address"
    case jupyterUp = "JupyterLab asks for a password"
    case jupyterRefuses = "JupyterLab refuses a wrong password"
    case jupyterLab = "JupyterLab answers 200 to /lab after login"
    case jupyterAPI = "JupyterLab's API answers after login"
    case jupyterChange = "the password of JupyterLab is changed the way the message says"
    case messageGoes = "the message of the day is gone then"
    case jupyterNewPassword = "JupyterLab takes only the new password then"
    case secondAnswers = "sshd answers on a second copy"
    case secondHostKeys = "a second copy has host keys of its own"
    case secondPassword = "the default password opens the second copy too"
    case secondMachineID = "a second copy has a machine-id of its own"

    /// The check without whose success this one cannot be made.
    var needs: Check? {
        switch self {
        case .answers: nil
        case .passwordForced: .answers
        case .oldPasswordRefused, .newPasswordAccepted: .passwordForced
        case .sudo, .groups, .sudoAsks, .poetry, .docker, .scriptLanguages, .containerBuild, .messageComes,
            .coreDumps:
            .newPasswordAccepted
        case .loginUsers, .sshFiles, .history, .buildFiles, .packageCaches, .logs, .cloudState, .hostConfiguration,
            .machineID, .passwordLogin, .units, .boot, .disk:
            .sudo
        case .jupyterUp: .answers
        case .jupyterRefuses, .jupyterLab: .jupyterUp
        case .jupyterAPI: .jupyterLab
        case .jupyterChange: .messageComes
        case .messageGoes, .jupyterNewPassword: .jupyterChange
        case .secondAnswers: .answers
        case .secondHostKeys: .secondAnswers
        // With a default password that the first copy refused, the second need not be asked.
        case .secondPassword: .passwordForced
        case .secondMachineID: .secondPassword
        }
    }

    /// What judges this check by facts that the guest told in one session, instead of by a visit of its own.
    var source: FactSource? {
        switch self {
        case .groups, .sudoAsks, .poetry, .docker, .scriptLanguages, .containerBuild, .coreDumps: .user
        case .loginUsers, .sshFiles, .history, .buildFiles, .packageCaches, .logs, .cloudState, .hostConfiguration,
            .machineID, .passwordLogin, .units, .boot, .disk:
            .root
        default: nil
        }
    }
}

/// As whom the facts are gathered.
enum FactSource: Sendable { case user, root }

/// What a check came to.
enum Verdict: Sendable, Equatable {
    /// With what was seen, where that is worth knowing.
    case passed(String? = nil)
    case failed(String)
    case skipped(String)
}
