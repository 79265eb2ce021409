import Sandbox

/// Compares the facts about a guest with the expectations.
package func judge(_ check: Check, _ facts: Facts, _ expectations: Expectations) -> Verdict {
    do { return try verdict(on: check, facts, expectations) } catch { return .failed("\(error)") }
}

private func verdict(on check: Check, _ facts: Facts, _ expectations: Expectations) throws(Facts.MissingFact) -> Verdict
{
    switch check {
    case .groups: try judgeGroups(facts)
    case .sudoAsks: try facts.value("sudo_asks") == "yes" ? .passed() : .failed("sudo runs without a password")
    case .loginUsers: none(try facts.list("login_user").filter { $0 != expectations.user }, "other users")
    case .sshFiles: none(try facts.list("ssh_file") + facts.list("authorized_keys"), "found")
    case .history: none(try facts.list("history"), "found")
    case .buildFiles: none(try facts.list("build_file"), "found")
    case .packageCaches: none(try facts.list("cache"), "found")
    case .jupyterSecrets: none(try facts.list("jupyter_secret"), "created before this boot")
    case .logs: none(try facts.list("log"), "created before this boot")
    case .cloudState: none(try facts.list("cloud_state"), "created before this boot")
    case .hostConfiguration: none(try facts.list("host_file"), "found")
    case .machineID: try judgeMachineID(facts)
    case .coreDumps: try judgeCoreDumps(facts)
    case .passwordLogin: try judgePasswordLogin(facts)
    case .securityUpdates: try judgeSecurityUpdates(facts)
    case .units: try judgeUnits(facts)
    case .boot: try judgeBoot(facts)
    case .disk: try judgeDisk(facts)
    case .poetry: try judgePoetry(facts)
    case .docker: try judgeDocker(facts)
    case .scriptLanguages: try judgeClone(facts, expectations)
    case .kernel: try judgePart("kernel", facts)
    case .plot: try judgePart("plot", facts)
    case .query: try judgePart("query", facts)
    case .notebooks: try judgePart("notebooks", facts)
    case .distributions: try judgePart("distributions", facts)
    case .connector: try judgePart("connector", facts)
    case .flavors: try judgePart("flavors", facts)
    default: .skipped("no facts for this check")
    }
}

private func none(_ found: [String], _ what: String) -> Verdict {
    found.isEmpty ? .passed() : .failed("\(what): \(found.joined(separator: ", "))")
}

private func judgeGroups(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let groups = try facts.value("groups").split(separator: " ")
    let missing = ["sudo", "docker"].filter { !groups.contains(Substring($0)) }
    return missing.isEmpty ? .passed() : .failed("not a member of \(missing.joined(separator: " and "))")
}

private func judgeMachineID(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let id = try facts.value("machine_id")
    return id.utf8.count == 32 && id.allSatisfy(\.isHexDigit)
        ? .passed(id) : .failed("/etc/machine-id contains '\(id)'")
}

private func judgeCoreDumps(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let (soft, hard, pattern) = (
        try facts.value("core_soft"), try facts.value("core_hard"), try facts.value("core_pattern")
    )
    guard soft == "0", hard == "0" else { return .failed("core dump limits at login: soft \(soft), hard \(hard)") }
    return .passed("core_pattern is '\(pattern)'")
}

private func judgePasswordLogin(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let refusals = try facts.list("password_refusal")
    guard refusals.isEmpty else { return .failed(refusals.joined(separator: ", ")) }
    let effective = try facts.value("password_login")
    return effective == "yes" ? .passed() : .failed("sshd reports PasswordAuthentication \(effective)")
}

/// Checks that updates are found, downloaded and installed without anyone doing anything. An interval of 0 days is what
/// turns them off; a setting that does not exist is a mistake.
private func judgeSecurityUpdates(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let intervals = try facts.list("update_interval").map { line in
        line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    }
    if !intervals.isEmpty, intervals.allSatisfy({ $0.last == "0" }) { return .passed("turned off in the image") }
    if let unset = intervals.first(where: { $0.last?.isEmpty != false || $0.last == "0" }) {
        let state = unset.last == "0" ? "0" : "not set"
        return .failed("APT::Periodic::\(unset[0]) is \(state); the role security_updates sets it")
    }
    let program = try facts.value("update_program").split(separator: " ")
    guard program.count == 2, program[0] == "installed" else { return .failed("unattended-upgrades is not installed") }
    let stopped = try facts.list("stopped_timer")
    guard stopped.isEmpty else { return .failed("not active: \(stopped.joined(separator: ", "))") }
    guard !(try facts.list("security_source").isEmpty) else {
        return .failed("apt's sources contain no security updates")
    }
    return .passed("unattended-upgrades \(program[1])")
}

private func judgeUnits(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let failed = try facts.list("failed_unit")
    guard failed.isEmpty else { return .failed("failed: \(failed.joined(separator: ", "))") }
    let state = try facts.value("system_state")
    return state == "running" ? .passed() : .failed("the system state is '\(state)'")
}

/// Checks for slow units that wait for something that a sandbox may not have, such as a network.
private func judgeBoot(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let slow = try facts.list("blame").compactMap(UnitTime.init).filter { unit in
        let waits = unit.name.contains("wait-online") || unit.name.hasPrefix("cloud-")
        return waits && unit.seconds > 5
    }
    let total = try facts.value("boot_time")
    guard slow.isEmpty else {
        return .failed(slow.map { "\($0.name) took \($0.seconds) s" }.joined(separator: ", "))
    }
    return .passed(total)
}

/// One line of `systemd-analyze blame`: `1min 2.345s NAME`.
struct UnitTime: Equatable {
    var name: String
    var seconds: Double

    init?(_ line: String) {
        var words = line.split(separator: " ")
        guard words.count > 1, let name = words.popLast() else { return nil }
        self.name = String(name)
        seconds = 0
        // Longer endings first: "ms" also ends with "s".
        let units = [("min", 60.0), ("ms", 0.001), ("us", 0.000_001), ("h", 3600), ("s", 1)]
        for word in words {
            guard let (ending, factor) = units.first(where: { word.hasSuffix($0.0) }),
                let number = Double(word.dropLast(ending.count))
            else { return nil }
            seconds += number * factor
        }
    }
}

private func judgeDisk(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let end = try facts.number("partition_start") + facts.number("partition_sectors")
    let unused = try (facts.number("disk_sectors") - end) * 512
    // The second partition table and rounding to 1 MiB.
    guard unused < 3 << 20 else { return .failed("\(unused >> 20) MiB after the root partition are unused") }
    let (partition, usable) = (try facts.number("partition_sectors") * 512, try facts.number("root_bytes"))
    // ext4 reserves a few percent.
    guard usable > partition / 10 * 9 else {
        return .failed("the file system has \(usable >> 20) MiB, but its partition has \(partition >> 20) MiB")
    }
    return .passed("\(usable >> 20) MiB")
}

private func judgePoetry(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let said = try facts.value("poetry")
    return said.hasPrefix("Poetry") ? .passed(said) : .failed("poetry --version printed: \(said)")
}

private func judgeDocker(_ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let said = try facts.value("docker")
    return try facts.value("docker_reached") == "yes" ? .passed("engine \(said)") : .failed(said)
}

private func judgeClone(_ facts: Facts, _ expectations: Expectations) throws(Facts.MissingFact) -> Verdict {
    let clone = try facts.value("clone")
    if clone == "none" {
        let known = expectations.missing.first {
            $0.component.lowercased().replacing("_", with: "-").contains("script-languages")
        }
        if let known { return .skipped("the image was built without it: \(known.reason)") }
        let recorded = try facts.value("missing_components")
        return .failed("clone not found" + (recorded.isEmpty ? "" : "; the build recorded: \(recorded)"))
    }
    let faults = try facts.list("clone_fault")
    guard faults.isEmpty else { return .failed(faults.joined(separator: ", ")) }
    return .passed("\(clone), \(try facts.value("clone_submodules")) submodules")
}

/// Judges one part of the program that runs kernels and notebooks. Faults that it found before its end count, too.
private func judgePart(_ part: String, _ facts: Facts) throws(Facts.MissingFact) -> Verdict {
    let faults = (try? facts.list("\(part)_fault")) ?? []
    guard faults.isEmpty else {
        let more = faults.count > 10 ? ["and \(faults.count - 10) more"] : []
        return .failed((faults.prefix(10) + more).joined(separator: "\n"))
    }
    if let reason = try? facts.value("\(part)_skip") { return .skipped(reason) }
    return .passed(try facts.value(part))
}
